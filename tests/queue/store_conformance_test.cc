// The promises of every store, sentence by sentence of queue/store.h: on failed
// closures, which leave no trace, and on keeping and finding jobs.
// store_runs_test.cc and store_lines_test.cc have the rest.
#include "queue/error.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StoreConformanceTest : public StoreTest {
 protected:
  std::vector<int64_t> JobIds(const JobQuery& query) {
    std::vector<int64_t> ids;
    for (const Job& job : Read([&](View& v) { return v.Jobs(query); })) {
      ids.push_back(job.id.value);
    }
    return ids;
  }
  std::optional<Job> FindJob(JobId id) {
    return Read([&](View& v) { return v.FindJob(id); });
  }
};
SHEAF_FOR_ALL_STORES(StoreConformanceTest);

const QueueSettings kKeep{.keep_succeeded = absl::Hours(1),
                          .keep_failed = absl::Hours(2),
                          .keep_cancelled = absl::Hours(3)};

TEST_P(StoreConformanceTest, EmptyStoreHasNothing) {
  Read([](View& view) {
    EXPECT_THAT(view.Queues(), IsEmpty());
    EXPECT_THAT(view.Jobs({}), IsEmpty());
    EXPECT_THAT(view.Batches(absl::InfiniteFuture()), IsEmpty());
    EXPECT_TRUE(view.LaneHeads().empty());
    EXPECT_THAT(view.Events(0, 10), IsEmpty());
    EXPECT_EQ(view.LastSequence(), 0);
    EXPECT_EQ(view.LastJob(), JobId{0});
    EXPECT_EQ(view.FirstSequence(), 1);
    EXPECT_FALSE(view.FindJob(JobId{1}));
    EXPECT_FALSE(view.FindRun(RunId(JobId{1}, 0)));
    EXPECT_FALSE(view.FindQueue("default"));
    EXPECT_FALSE(view.FindBatch(BatchId{1}));
    EXPECT_FALSE(view.FindArtifact("ab"));
    EXPECT_EQ(view.Counts().jobs, 0);
    EXPECT_EQ(view.Counts().artifacts, 0);
    EXPECT_EQ(view.Counts().artifact_bytes, 0);
    return true;
  });
}

TEST_P(StoreConformanceTest, WriteAnswersTheStatusOfItsUseCase) {
  const absl::Status status = WriteAndWait(
      *store_, [](Tx&) { return Error(Reason::kQueueFull, "no room"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), Reason::kQueueFull);
  EXPECT_EQ(status.message(), "no room");
}

TEST_P(StoreConformanceTest, ReadAnswersTheStatusOfItsUseCase) {
  const absl::Status status = ReadAndWait(
      *store_, [](View&) { return Error(Reason::kJobNotFound, "no job"); });
  EXPECT_EQ(ReasonOf(status), Reason::kJobNotFound);
}

TEST_P(StoreConformanceTest, FailedClosureLeavesNoTrace) {
  const Job kept = Write([](Tx& tx) {
    tx.SaveQueue({.name = "default", .create_time = tx.now()});
    tx.SaveArtifact({"aa", 1, "image/png", tx.now()});
    tx.AppendEvent({.type = EventType::kQueueCreated, .queue = "default"});
    const Job job = InsertRow(tx, {.runs = 2});
    tx.SaveBatch({.id = tx.NewBatchId(),
                  .lease_expire_time = tx.now(),
                  .start_time = tx.now(),
                  .runs = {}});
    return job;
  });
  const absl::Status failed = WriteAndWait(*store_, [&](Tx& tx) {
    tx.SaveQueue({.name = "other", .create_time = tx.now()});
    tx.DeleteQueue("default");
    InsertRow(tx, {.runs = 3, .model = "new lane"});
    Run run = *tx.FindRun(RunId(kept.id, 0));
    run.run_time += absl::Hours(1);
    tx.SaveRun(run);
    tx.AddAttempt({.run = run.id,
                   .attempt = 1,
                   .start_time = tx.now(),
                   .end_time = tx.now()});
    tx.ApplyToJob(kept.id, {.queued = -1, .cancelled = 1}, kKeep);
    tx.AddReferences(kept.id, {"aa"});
    tx.SaveArtifact({"bb", 2, "image/png", tx.now()});
    tx.DeleteArtifact("aa");
    tx.DeleteBatch(BatchId{1});
    tx.NewBatchId();
    tx.NewEpoch();
    tx.NewWorkerId();
    tx.AppendEvent({.type = EventType::kQueueDeleted, .queue = "default"});
    tx.DeleteJob(kept.id);
    return Error(Reason::kInternal, "on purpose");
  });
  EXPECT_EQ(failed.message(), "on purpose");
  Read([&](View& view) {
    EXPECT_EQ(view.Queues().size(), 1u);
    EXPECT_TRUE(view.FindQueue("default"));
    EXPECT_EQ(view.FindJob(kept.id), kept);
    EXPECT_EQ(view.FindRun(RunId(kept.id, 0))->run_time, kept.run_time);
    EXPECT_TRUE(view.FindRun(RunId(kept.id, 1)));
    EXPECT_THAT(view.Attempts(RunId(kept.id, 0)), IsEmpty());
    EXPECT_TRUE(view.FindArtifact("aa"));
    EXPECT_FALSE(view.FindArtifact("bb"));
    EXPECT_FALSE(view.IsReferenced("aa"));
    EXPECT_TRUE(view.FindBatch(BatchId{1}));
    EXPECT_EQ(view.LastSequence(), 1);
    EXPECT_EQ(view.LaneHeads().size(), 1u);
    EXPECT_EQ(view.Counts().jobs, 1);
    return true;
  });
}

TEST_P(StoreConformanceTest, NumbersOfFailedClosuresAreGivenAgain) {
  const auto numbers = [](Tx& tx) {
    tx.AppendEvent({.type = EventType::kQueueCreated});
    return std::vector<int64_t>{InsertRow(tx, {.model = "m"}).id.value,
                                tx.NewBatchId().value, tx.NewEpoch(),
                                tx.NewWorkerId().value, tx.LastSequence()};
  };
  EXPECT_THAT(Write(numbers), ElementsAre(1, 1, 1, 1, 1));
  (void)WriteAndWait(*store_, [&](Tx& tx) {
    numbers(tx);
    return absl::CancelledError("on purpose");
  });
  EXPECT_THAT(Write(numbers), ElementsAre(2, 2, 2, 2, 2));
}

TEST_P(StoreConformanceTest, FailedClosureTakesNothingFromItsNeighbours) {
  for (int i = 0; i < 20; ++i) {
    (void)WriteAndWait(*store_, [&](Tx& tx) -> absl::Status {
      InsertRow(tx);
      tx.AppendEvent({.type = EventType::kJobSubmitted});
      if (i % 3 == 1) return absl::CancelledError("on purpose");
      return absl::OkStatus();
    });
  }
  EXPECT_EQ(JobIds({.ascending = true}).size(), 13u);
  EXPECT_EQ(JobIds({.ascending = true}).back(), 13);
  EXPECT_EQ(Read([](View& v) { return v.LastSequence(); }), 13);
}

TEST_P(StoreConformanceTest, ClosureSeesWhatItWrote) {
  Write([](Tx& tx) {
    const Job job = InsertRow(tx, {.runs = 2});
    EXPECT_EQ(tx.FindJob(job.id), job);
    EXPECT_EQ(tx.Ready(tx.FindRun(RunId(job.id, 0))->lane, Priority::kNormal, 9)
                  .size(),
              2u);
    tx.DeleteJob(job.id);
    EXPECT_FALSE(tx.FindJob(job.id));
    EXPECT_TRUE(tx.LaneHeads().empty());
  });
}

TEST_P(StoreConformanceTest, TimeStandsStillWithinATransaction) {
  Write([&](Tx& tx) {
    const absl::Time before = tx.now();
    clock_.Advance(absl::Hours(1));
    EXPECT_EQ(tx.now(), before);
  });
}

TEST_P(StoreConformanceTest, TimeDoesNotGoBackWhenTheClockDoes) {
  const absl::Time first = Write([](Tx& tx) {
    tx.AppendEvent({.type = EventType::kQueueCreated});
    return tx.now();
  });
  clock_.Advance(-absl::Hours(1));
  EXPECT_EQ(Write([](Tx& tx) { return tx.now(); }), first);
  EXPECT_EQ(Read([](View& view) { return view.now(); }), first);
}

TEST_P(StoreConformanceTest, JobIsReadBackAsItWasWritten) {
  const Job job = Write([](Tx& tx) {
    return InsertRow(tx, {.queue = "q",
                          .runs = 3,
                          .priority = Priority::kUrgent,
                          .owner = "bob",
                          .request_id = "r-1",
                          .labels = {{"team", "art"}, {"", ""}},
                          .run_time = tx.now() + absl::Minutes(5),
                          .start_deadline = tx.now() + absl::Hours(1)});
  });
  EXPECT_EQ(job.id, JobId{1});
  EXPECT_EQ(FindJob(job.id), job);
}

TEST_P(StoreConformanceTest, TextsOfAnyKindComeBackUnchanged) {
  const std::vector<std::string> texts = {"",
                                          "plain",
                                          "\"quoted\" 'and' \\ back",
                                          "line\nline\ttab",
                                          "\xE6\xA3\xAE\xF0\x9F\x8C\xB2",
                                          "'); DROP TABLE jobs; --",
                                          std::string("nul\0inside", 10),
                                          std::string(100'000, 'x')};
  for (const std::string& text : texts) {
    RunParams params;
    params.prompt = text;
    params.extra[text] = text;
    const Job job = Write([&](Tx& tx) {
      return InsertRow(tx, {.owner = text,
                            .labels = {{"k" + text, text}},
                            .model = text,
                            .shared = Encode(params),
                            .own = {Encode(params)}});
    });
    const RunId run(job.id, 0);
    EXPECT_EQ(FindJob(job.id), job);
    EXPECT_EQ(Read([&](View& v) { return v.SharedParams(job.id); }), params);
    EXPECT_EQ(Read([&](View& v) { return v.OwnParams(run); }), params);
    EXPECT_EQ(
        Read([&](View& v) { return v.FindLane(v.FindRun(run)->lane); }).model,
        text);
  }
}

TEST_P(StoreConformanceTest, RunWithoutParamsOfItsOwnHasNone) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx, {.runs = 2}); });
  Read([&](View& view) {
    EXPECT_EQ(view.SharedParams(job.id), RunParams());
    EXPECT_EQ(view.OwnParams(RunId(job.id, 1)), RunParams());
    return true;
  });
}

TEST_P(StoreConformanceTest, JobsComeInPagesFromEitherEnd) {
  Write([](Tx& tx) {
    for (int i = 0; i < 7; ++i) InsertRow(tx);
  });
  EXPECT_THAT(JobIds({}), ElementsAre(7, 6, 5, 4, 3, 2, 1));
  EXPECT_THAT(JobIds({.limit = 3}), ElementsAre(7, 6, 5));
  EXPECT_THAT(JobIds({.after = JobId{5}, .limit = 3}), ElementsAre(4, 3, 2));
  EXPECT_THAT(JobIds({.after = JobId{1}}), IsEmpty());
  EXPECT_THAT(JobIds({.ascending = true, .limit = 2}), ElementsAre(1, 2));
  EXPECT_THAT(JobIds({.after = JobId{5}, .ascending = true}),
              ElementsAre(6, 7));
}

TEST_P(StoreConformanceTest, JobsAreFilteredBeforeTheyArePaged) {
  Write([](Tx& tx) {
    for (int i = 0; i < 10; ++i) {
      InsertRow(tx, {.owner = i % 2 ? "ann" : "bob",
                     .labels = {{"n", std::to_string(i / 5)}}});
    }
  });
  const FilterExpr filter =
      ParseFilter("owner = \"ann\" AND labels.n = \"1\"").value();
  EXPECT_THAT(JobIds({.filter = &filter}), ElementsAre(10, 8, 6));
  EXPECT_THAT(JobIds({.filter = &filter, .limit = 2}), ElementsAre(10, 8));
  EXPECT_THAT(JobIds({.filter = &filter, .after = JobId{8}}), ElementsAre(6));
  EXPECT_THAT(JobIds({.filter = &filter, .through = JobId{8}}),
              ElementsAre(10, 8));
  EXPECT_THAT(
      JobIds({.filter = &filter, .through = JobId{9}, .ascending = true}),
      ElementsAre(6, 8));
}

TEST_P(StoreConformanceTest, RequestIsFoundByOwnerAndIdTogether) {
  const Job job = Write([](Tx& tx) {
    InsertRow(tx);  // without a request_id
    return InsertRow(tx, {.owner = "ann", .request_id = "r"});
  });
  Read([&](View& view) {
    EXPECT_EQ(view.FindRequest("ann", "r")->job, job.id);
    EXPECT_FALSE(view.FindRequest("bob", "r"));
    EXPECT_FALSE(view.FindRequest("ann", "s"));
    EXPECT_FALSE(view.FindRequest("ann", ""));
    return true;
  });
}

TEST_P(StoreConformanceTest, RequestOutlivesItsJobUntilItIsDeleted) {
  const auto insert = [&](const std::string& id) {
    return Write([&](Tx& tx) {
      return InsertRow(tx, {.owner = "ann", .request_id = id}).id;
    });
  };
  const auto known = [&](const std::string& id) {
    return Read([&](View& v) { return v.FindRequest("ann", id).has_value(); });
  };
  const auto forget = [&](absl::Time by, int limit) {
    return Write([&](Tx& tx) { return tx.DeleteSpentRequests(by, limit); });
  };
  insert("kept");
  const JobId first = insert("first");
  const JobId second = insert("second");
  const JobId third = insert("third");
  Write([&](Tx& tx) { tx.DeleteJob(first); });
  const absl::Time deleted = clock_.now();
  clock_.Advance(absl::Minutes(1));
  Write([&](Tx& tx) {
    tx.DeleteJob(second);
    tx.DeleteJob(third);
  });
  EXPECT_TRUE(known("first"));
  Read([&](View& view) {
    EXPECT_EQ(view.CountSpentRequests(deleted, 9), 1);
    EXPECT_EQ(view.CountSpentRequests(clock_.now(), 9), 3);
    EXPECT_EQ(view.CountSpentRequests(clock_.now(), 2), 2);
    return true;
  });
  EXPECT_EQ(forget(deleted - absl::Milliseconds(1), 9), 0);
  EXPECT_EQ(forget(deleted, 9), 1);
  EXPECT_FALSE(known("first"));
  EXPECT_EQ(forget(clock_.now(), 1), 1);
  EXPECT_NE(known("second"), known("third"));
  EXPECT_EQ(forget(clock_.now(), 9), 1);
  EXPECT_EQ(forget(clock_.now() + absl::Hours(99), 9), 0);
  EXPECT_TRUE(known("kept"));
}

}  // namespace
}  // namespace sheaf
