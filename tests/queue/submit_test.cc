#include "queue/submit.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class SubmitTest : public UseCaseTest {};
SHEAF_FOR_ALL_STORES(SubmitTest);

TEST_P(SubmitTest, StoresAJobWithAllItsRuns) {
  const Job job = Submit({.queue = "default",
                          .kind = "inference",
                          .priority = Priority::kHigh,
                          .owner = "ann",
                          .labels = {{"team", "art"}},
                          .runs = Runs(3)});
  EXPECT_EQ(job, GetJob(job));
  EXPECT_EQ(job.run_count, 3);
  EXPECT_EQ(job.counts, RunCounts{.queued = 3});
  EXPECT_EQ(job.create_time, clock_.now());
  EXPECT_EQ(job.run_time, clock_.now());
  EXPECT_EQ(job.version, 1);
  for (int i = 0; i < 3; ++i) {
    const Run run = GetRun(job, i);
    EXPECT_EQ(run.state, RunState::kQueued);
    EXPECT_EQ(run.priority, Priority::kHigh);
    EXPECT_EQ(run.run_time, clock_.now());
    EXPECT_EQ(run.attempt, 0);
    EXPECT_EQ(Read([&](View& v) { return v.OwnParams(run.id).prompt; }),
              "hut number " + std::to_string(i));
  }
}

TEST_P(SubmitTest, JobWithoutRunsHasOne) { EXPECT_EQ(Submit().run_count, 1); }

TEST_P(SubmitTest, CountsInTheQueueAndItsRevision) {
  const Queue before = GetQueue();
  Submit({.runs = Runs(3)});
  const Queue after = GetQueue();
  EXPECT_EQ(after.queued, before.queued + 3);
  EXPECT_EQ(after.revision, before.revision + 1);
  EXPECT_EQ(after.version, before.version);
}

TEST_P(SubmitTest, SaysSoInTheEvents) {
  const Job job = Submit({.owner = "ann"});
  const Event event = LastEvent();
  EXPECT_EQ(event.type, EventType::kJobSubmitted);
  EXPECT_EQ(event.job, job.id);
  EXPECT_EQ(event.queue, "default");
  EXPECT_EQ(event.actor, "ann");
}

TEST_P(SubmitTest, RequestSaidTwiceMakesOneJob) {
  const NewJob request{.request_id = "r", .owner = "ann", .runs = Runs(2)};
  const Submitted first = TrySubmit(request).value();
  clock_.Advance(absl::Minutes(1));
  const int64_t events = LastSequence();
  const Submitted second = TrySubmit(request).value();
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.job, first.job);
  EXPECT_EQ(LastSequence(), events);
  EXPECT_EQ(GetQueue().queued, 2);
}

TEST_P(SubmitTest, ReplayAnswersTheJobAsItIsNow) {
  const NewJob request{.request_id = "r"};
  const Job job = Submit(request);
  LeaseAndFinish(Succeeded{});
  EXPECT_EQ(TrySubmit(request)->job, GetJob(job));
}

TEST_P(SubmitTest, ReplayIsHonouredThoughTheQueueIsFullOrDrains) {
  const NewJob request{.request_id = "r", .runs = Runs(2)};
  Submit(request);
  Configure({.runs_max = 1});
  EXPECT_TRUE(TrySubmit(request)->replayed);
  ASSERT_TRUE(
      Write([](Tx& tx) { return DrainQueue(tx, kDefaultQueue, "", ""); }).ok());
  EXPECT_TRUE(TrySubmit(request)->replayed);
}

TEST_P(SubmitTest, ReplayDoesNotMindTheSeedsThatWereDrawn) {
  const NewJob request{.request_id = "r", .runs = Runs(2)};
  const auto submit = [&](uint64_t entropy) {
    return Write([&](Tx& tx) {
      return sheaf::Submit(tx, Prepare(request, entropy).value());
    });
  };
  EXPECT_FALSE(submit(1)->replayed);
  EXPECT_TRUE(submit(2)->replayed);
}

TEST_P(SubmitTest, RequestIdWithAnotherPayloadIsRefused) {
  const NewJob first{.request_id = "r", .runs = Runs(1)};
  const Job job = Submit(first);
  std::vector<NewJob> others(8, first);
  others[0].runs = Runs(2);
  others[1].priority = Priority::kHigh;
  others[2].labels = {{"a", "b"}};
  others[3].shared.steps = 3;
  others[4].kind = "upscale";
  others[5].attempts_max = 7;
  others[6].run_time = clock_.now() + absl::Hours(1);
  others[7].start_deadline = clock_.now() + absl::Hours(1);
  for (const NewJob& other : others) {
    const auto refused = TrySubmit(other);
    EXPECT_THAT(refused, FailsWith(Reason::kRequestIdReused));
    EXPECT_EQ(MetadataOf(refused.status()).at("job"), NameOf(job.id));
  }
  EXPECT_EQ(GetQueue().queued, 1);
}

TEST_P(SubmitTest, RequestWhoseJobWasDeletedMakesNoOther) {
  const NewJob request{.request_id = "r", .owner = "ann"};
  const Job job = Submit(request);
  LeaseAndFinish(Succeeded{});
  ASSERT_TRUE(Write([&](Tx& tx) { return DeleteJob(tx, job.id, 0); }).ok());
  const auto spent = TrySubmit(request);
  EXPECT_THAT(spent, FailsWith(Reason::kRequestIdSpent));
  EXPECT_EQ(MetadataOf(spent.status()).at("job"), NameOf(job.id));
  EXPECT_THAT(TrySubmit({.request_id = "r", .owner = "ann", .runs = Runs(2)}),
              FailsWith(Reason::kRequestIdReused));
}

TEST_P(SubmitTest, RequestIdsOfDifferentOwnersDoNotMeet) {
  const Job ann = Submit({.request_id = "r", .owner = "ann"});
  const Job bob = Submit({.request_id = "r", .owner = "bob"});
  EXPECT_NE(ann.id, bob.id);
}

TEST_P(SubmitTest, JobsWithoutRequestIdAreAlwaysNew) {
  EXPECT_NE(Submit().id, Submit().id);
}

TEST_P(SubmitTest, RehearsalAnswersAsASubmitAndChangesNothing) {
  const NewJob request{.request_id = "r", .owner = "ann", .runs = Runs(3)};
  const auto rehearse = [&](const NewJob& job) {
    return Read([&](View& view) {
      return Rehearse(view, Prepare(job, 1, {}, /*rehearsal=*/true).value());
    });
  };
  const int64_t events = LastSequence();
  const auto rehearsed = rehearse(request);
  EXPECT_EQ(LastSequence(), events);
  Job stored = Submit(request);
  const Job replayed = rehearse(request)->job;
  EXPECT_EQ(replayed, stored);
  stored.id = {};
  EXPECT_EQ(rehearsed->job, stored);
  EXPECT_FALSE(rehearsed->replayed);
  EXPECT_THAT(rehearse({.queue = "nowhere"}),
              FailsWith(Reason::kQueueNotFound));
  EXPECT_THAT(rehearse({.start_deadline = clock_.now()}),
              FailsWith(Reason::kInvalidField));
}

TEST_P(SubmitTest, UnknownQueueIsRefused) {
  EXPECT_THAT(TrySubmit({.queue = "nowhere"}),
              FailsWith(Reason::kQueueNotFound));
}

TEST_P(SubmitTest, DrainingQueueTakesNoJobs) {
  ASSERT_TRUE(
      Write([](Tx& tx) { return DrainQueue(tx, kDefaultQueue, "", ""); }).ok());
  EXPECT_THAT(TrySubmit({}), FailsWith(Reason::kQueueDraining));
}

TEST_P(SubmitTest, PausedQueueStillTakesJobs) {
  ASSERT_TRUE(
      Write([](Tx& tx) { return PauseQueue(tx, kDefaultQueue, {}); }).ok());
  EXPECT_TRUE(TrySubmit({}).ok());
}

TEST_P(SubmitTest, QueueTakesRunsUpToItsLimitAndNotOneMore) {
  Configure({.runs_max = 5});
  Submit({.runs = Runs(3)});
  EXPECT_THAT(TrySubmit({.runs = Runs(3)}), FailsWith(Reason::kQueueFull));
  EXPECT_EQ(GetQueue().queued, 3) << "all runs or none";
  Submit({.runs = Runs(2)});
  EXPECT_THAT(TrySubmit({}), FailsWith(Reason::kQueueFull));
  LeaseAndFinish(Succeeded{});
  EXPECT_TRUE(TrySubmit({}).ok());
}

TEST_P(SubmitTest, RunningRunsCountForTheLimit) {
  Configure({.runs_max = 1});
  Submit();
  Lease();
  EXPECT_THAT(TrySubmit({}), FailsWith(Reason::kQueueFull));
}

TEST_P(SubmitTest, ArtifactsMustBeThereAndAreKept) {
  NewJob job;
  job.shared.init_image = "aa";
  job.runs = Runs(1);
  job.runs[0].controls = {{.type = "depth", .image = "bb"}};
  EXPECT_THAT(TrySubmit(job), FailsWith(Reason::kArtifactNotFound));
  Upload("aa");
  const auto refused = TrySubmit(job);
  EXPECT_THAT(refused, FailsWith(Reason::kArtifactNotFound));
  EXPECT_EQ(SubjectOf(refused.status()), "artifacts/bb");
  Upload("bb");
  Submit(job);
  Read([](View& view) {
    EXPECT_TRUE(view.IsReferenced("aa"));
    EXPECT_TRUE(view.IsReferenced("bb"));
    return true;
  });
}

TEST_P(SubmitTest, AttemptsAreTheQueuesUnlessTheJobSays) {
  Configure({.attempts_max = 7});
  EXPECT_EQ(GetRun(Submit()).attempts_max, 7);
  EXPECT_EQ(GetRun(Submit({.attempts_max = 2})).attempts_max, 2);
}

TEST_P(SubmitTest, ScheduledJobWaitsForItsTime) {
  const absl::Time later = clock_.now() + absl::Hours(1);
  const Job job = Submit({.run_time = later});
  EXPECT_EQ(GetRun(job).run_time, later);
  EXPECT_EQ(GetRun(job).state, RunState::kQueued);
  EXPECT_FALSE(TryLease().leased);
}

TEST_P(SubmitTest, JobScheduledInThePastRunsNow) {
  const Job job = Submit({.run_time = clock_.now() - absl::Hours(1)});
  EXPECT_EQ(job.run_time, clock_.now());
}

TEST_P(SubmitTest, DeadlineInThePastIsRefused) {
  const auto refused = TrySubmit({.start_deadline = clock_.now()});
  EXPECT_THAT(refused, FailsWith(Reason::kInvalidField));
  EXPECT_EQ(ViolationsOf(refused.status())[0].field, "job.start_deadline");
}

TEST_P(SubmitTest, RunsWaitInALaneForEachModelAndSize) {
  NewJob spec{.runs = Runs(4)};
  spec.shared.model = "m";
  spec.runs[1].width = 512;
  spec.runs[2].model = "other";
  spec.runs[3].model = "m";
  const Job job = Submit(spec);
  const auto lane = [&](int i) { return GetRun(job, i).lane; };
  EXPECT_EQ(lane(0), lane(3));
  EXPECT_NE(lane(0), lane(1));
  EXPECT_NE(lane(0), lane(2));
  const Lane second = Read([&](View& v) { return v.FindLane(lane(1)); });
  EXPECT_EQ(second.queue, "default");
  EXPECT_EQ(second.kind, "inference");
  EXPECT_EQ(second.model, "m");
  EXPECT_EQ(second.width, 512);
}

TEST_P(SubmitTest, RunsThatNameNoSeedGetOneEach) {
  NewJob spec{.runs = Runs(3)};
  spec.runs[1].seed = 7;
  const Job job = Submit(spec);
  std::set<int64_t> seeds;
  for (int i = 0; i < 3; ++i) {
    const RunParams own =
        Read([&](View& v) { return v.OwnParams(RunId(job.id, i)); });
    ASSERT_TRUE(own.seed);
    EXPECT_GE(*own.seed, 0);
    EXPECT_LT(*own.seed, int64_t{1} << 31);
    seeds.insert(*own.seed);
  }
  EXPECT_EQ(seeds.size(), 3u);
  EXPECT_TRUE(seeds.contains(7));
}

TEST_P(SubmitTest, SharedSeedIsEveryRuns) {
  NewJob spec{.runs = Runs(2)};
  spec.shared.seed = 9;
  const Job job = Submit(spec);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(
        Read([&](View& v) { return v.OwnParams(RunId(job.id, i)).seed; }));
  }
}

TEST_P(SubmitTest, OwnerWaitsInSoManyLanesAndNotOneMore) {
  const auto sizes = [](int from, int count) {
    NewJob job{.owner = "ann", .runs = Runs(count)};
    for (int i = 0; i < count; ++i) job.runs[i].width = 8 * (from + i);
    return job;
  };
  const auto submit = [&](const NewJob& job) {
    return Write([&](Tx& tx) {
      return sheaf::Submit(tx, MakeJob(job), {.owner_lanes_max = 4});
    });
  };
  EXPECT_TRUE(submit(sizes(1, 3)).ok());
  EXPECT_TRUE(submit(sizes(2, 3)).ok()) << "two of its lanes are there";
  const auto refused = submit(sizes(5, 1));
  EXPECT_THAT(refused, FailsWith(Reason::kOwnerQuota));
  EXPECT_EQ(SubjectOf(refused.status()), "ann");
  EXPECT_TRUE(submit(sizes(1, 4)).ok());
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, JobId{1}, {}); }).ok());
  ASSERT_TRUE(Write([&](Tx& tx) { return CancelJob(tx, JobId{3}, {}); }).ok());
  EXPECT_TRUE(submit(sizes(5, 1)).ok()) << "one lane has run empty";
}

TEST(PrepareTest, NamesEveryFaultOfTheRequestAtOnce) {
  NewJob job{.run_time = absl::FromUnixSeconds(20),
             .start_deadline = absl::FromUnixSeconds(10),
             .runs = Runs(2)};
  job.shared.controls = {{.type = "depth"}, {.type = "depth"}};
  job.runs[1].controls = {{.type = "pose", .start = 0.8, .end = 0.2}};
  const absl::Status status = Prepare(job, 1).status();
  EXPECT_THAT(status, FailsWith(Reason::kInvalidField));
  std::vector<std::string> fields;
  for (const Violation& violation : ViolationsOf(status)) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, UnorderedElementsAre("job.shared.controls[1].type",
                                           "job.runs[1].controls[0].start",
                                           "job.start_deadline"));
}

TEST(PrepareTest, SameEntropyDrawsSameSeeds) {
  const NewJob job{.runs = Runs(3)};
  EXPECT_EQ(Prepare(job, 5)->own_texts, Prepare(job, 5)->own_texts);
  EXPECT_NE(Prepare(job, 5)->own_texts, Prepare(job, 6)->own_texts);
}

TEST(PrepareTest, DistinctArtifactsAreNamedOnce) {
  NewJob job{.runs = Runs(2)};
  job.shared.mask = "bb";
  job.runs[0].init_image = "aa";
  job.runs[1].init_image = "aa";
  EXPECT_THAT(Prepare(job, 1)->artifacts, ElementsAre("aa", "bb"));
  EXPECT_THAT(Prepare({}, 1)->artifacts, IsEmpty());
}

TEST(PrepareTest, JobHasSoManyModelsAndSizesAndNotOneMore) {
  NewJob job;
  job.runs.resize(kLanesPerJobMax);
  for (size_t i = 0; i < job.runs.size(); ++i) {
    job.runs[i].width = 8 * static_cast<int64_t>(i);
  }
  job.runs.push_back(job.runs.front());
  const auto prepared = Prepare(job, 1);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->lanes.size(), kLanesPerJobMax);
  EXPECT_EQ(prepared->lane_of.back(), 0);
  job.runs.push_back({.model = "another"});
  EXPECT_THAT(Prepare(job, 1), FailsWith(Reason::kTooManyLanes));
}

TEST(PrepareTest, TooManyRunsAreRefused) {
  NewJob job;
  job.runs.resize(kRunsPerJobMax);
  EXPECT_TRUE(Prepare(job, 1).ok());
  job.runs.emplace_back();
  const absl::Status status = Prepare(job, 1).status();
  EXPECT_THAT(status, FailsWith(Reason::kTooManyRuns));
  EXPECT_EQ(MetadataOf(status).at("runsMax"), std::to_string(kRunsPerJobMax));
}

}  // namespace
}  // namespace sheaf
