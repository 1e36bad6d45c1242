// The promises of every store: runs, attempts, and how a job's counts and times
// follow its runs.
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StoreRunsTest : public StoreTest {
 protected:
  std::optional<Job> FindJob(JobId id) {
    return Read([&](View& v) { return v.FindJob(id); });
  }
  std::optional<Run> FindRun(RunId id) {
    return Read([&](View& v) { return v.FindRun(id); });
  }
};
SHEAF_FOR_ALL_STORES(StoreRunsTest);

const QueueSettings kKeep{.keep_succeeded = absl::Hours(1),
                          .keep_failed = absl::Hours(2),
                          .keep_cancelled = absl::Hours(3)};

TEST_P(StoreRunsTest, RunsOfAJobArePackedBesideEachOther) {
  const auto [first, second] = Write([](Tx& tx) {
    return std::pair{InsertRow(tx, {.runs = 3}), InsertRow(tx, {.runs = 2})};
  });
  const auto runs = Read([&, first = first.id, second = second.id](View& v) {
    return v.Runs({RunId(first, 1), RunId(second, 0)});
  });
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].id, RunId(first.id, 1));
  EXPECT_EQ(runs[1].id, RunId(first.id, 2));
  EXPECT_EQ(runs[2].id, RunId(second.id, 0));
  EXPECT_EQ(runs[2].id.job(), second.id);
  EXPECT_EQ(runs[1].id.index(), 2);
}

TEST_P(StoreRunsTest, RunsAreChosenByStateAndLimit) {
  const Job job = Write([](Tx& tx) {
    const Job job = InsertRow(tx, {.runs = 6});
    for (int i : {1, 4}) {
      Run run = *tx.FindRun(RunId(job.id, i));
      run.state = RunState::kCancelled;
      run.end_time = tx.now();
      tx.SaveRun(run);
    }
    tx.ApplyToJob(job.id, {.queued = -2, .cancelled = 2}, kKeep);
    return job;
  });
  const auto indices = [&](unsigned states, int limit) {
    std::vector<int> found;
    for (const Run& run : Read([&](View& v) {
           return v.Runs({RunId(job.id, 0), RunId(job.id, 5), states, limit});
         })) {
      found.push_back(run.id.index());
    }
    return found;
  };
  EXPECT_THAT(indices(StateBit(RunState::kCancelled), 9), ElementsAre(1, 4));
  EXPECT_THAT(indices(StateBit(RunState::kQueued), 3), ElementsAre(0, 2, 3));
  EXPECT_THAT(indices(StateBit(RunState::kRunning), 9), IsEmpty());
  EXPECT_THAT(indices(~0u, 2), ElementsAre(0, 1));
}

TEST_P(StoreRunsTest, LargestJobKeepsAllItsRuns) {
  const Job job =
      Write([](Tx& tx) { return InsertRow(tx, {.runs = kRunsPerJobMax}); });
  const RunId last(job.id, kRunsPerJobMax - 1);
  EXPECT_EQ(FindRun(last)->id, last);
  EXPECT_FALSE(FindRun(RunId(job.id, kRunsPerJobMax)));
  Write([&](Tx& tx) { tx.DeleteJob(job.id); });
  EXPECT_FALSE(FindRun(last));
}

TEST_P(StoreRunsTest, RunIsReadBackAsItWasSaved) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx); });
  Run run = *FindRun(RunId(job.id, 0));
  run.state = RunState::kFailed;
  run.priority = Priority::kLow;
  run.run_time = clock_.now() + absl::Seconds(1);
  run.start_deadline = clock_.now() + absl::Seconds(2);
  run.attempts_max = 9;
  run.attempt = 4;
  run.failures = 3;
  run.crashes = 2;
  run.alone = true;
  run.cancel_requested = true;
  run.batch = BatchId{7};
  run.epoch = 8;
  run.hold = -77;
  run.worker = "w \xE6\xA3\xAE";
  run.start_time = clock_.now() + absl::Seconds(3);
  run.end_time = clock_.now() + absl::Seconds(4);
  run.error = RunError{ErrorClass::kEngine, "\"no\"\n\\"};
  run.outputs = {{"aa", "one.png", "image/png"}, {"bb", "", ""}};
  Write([&](Tx& tx) { tx.SaveRun(run); });
  EXPECT_EQ(FindRun(run.id), run);
  run.error = RunError{ErrorClass::kCrashLoop, ""};
  run.outputs.clear();
  run.start_deadline = absl::InfiniteFuture();
  Write([&](Tx& tx) { tx.SaveRun(run); });
  EXPECT_EQ(FindRun(run.id), run);
}

TEST_P(StoreRunsTest, TimesAreKeptToTheMillisecond) {
  const Job job = Write([](Tx& tx) {
    return InsertRow(tx, {.run_time = tx.now() + absl::Microseconds(1999)});
  });
  const absl::Time kept = clock_.now() + absl::Milliseconds(1);
  EXPECT_EQ(FindJob(job.id)->run_time, kept);
  EXPECT_EQ(FindRun(RunId(job.id, 0))->run_time, kept);
}

TEST_P(StoreRunsTest, AttemptsComeInOrder) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx, {.runs = 2}); });
  std::vector<Attempt> attempts;
  for (int n : {2, 1, 10}) {
    attempts.push_back({.run = RunId(job.id, 0),
                        .attempt = n,
                        .worker = n == 1 ? "" : "w",
                        .batch = BatchId{n},
                        .epoch = n,
                        .start_time = clock_.now(),
                        .end_time = clock_.now() + absl::Seconds(n),
                        .outcome = RunState::kQueued});
  }
  attempts[2].outcome = RunState::kFailed;
  attempts[2].error = RunError{ErrorClass::kTransient, "lost"};
  Write([&](Tx& tx) {
    for (const Attempt& attempt : attempts) tx.AddAttempt(attempt);
  });
  std::swap(attempts[0], attempts[1]);
  EXPECT_EQ(Read([&](View& v) { return v.Attempts(RunId(job.id, 0)); }),
            attempts);
  EXPECT_THAT(Read([&](View& v) { return v.Attempts(RunId(job.id, 1)); }),
              IsEmpty());
}

TEST_P(StoreRunsTest, OnlyTheNewestAttemptsOfARunAreKept) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx, {.runs = 2}); });
  Write([&](Tx& tx) {
    for (const int index : {0, 1}) {
      const int count = index == 0 ? kAttemptsKeptMax + 3 : 2;
      for (int n = 1; n <= count; ++n) {
        tx.AddAttempt({.run = RunId(job.id, index),
                       .attempt = n,
                       .batch = BatchId{n},
                       .epoch = n,
                       .start_time = clock_.now(),
                       .end_time = clock_.now(),
                       .outcome = RunState::kQueued});
      }
    }
  });
  Read([&](View& view) {
    const std::vector<Attempt> many = view.Attempts(RunId(job.id, 0));
    EXPECT_EQ(many.size(), static_cast<size_t>(kAttemptsKeptMax));
    EXPECT_EQ(many.front().attempt, 4);
    EXPECT_EQ(view.Attempts(RunId(job.id, 1)).size(), 2u);
    return true;
  });
}

TEST_P(StoreRunsTest, ApplyToJobStartsItWithItsFirstRunningRun) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx, {.runs = 2}); });
  clock_.Advance(absl::Minutes(1));
  const RunCounts counts = Write([&](Tx& tx) {
    return tx.ApplyToJob(job.id, {.queued = -1, .running = 1}, kKeep);
  });
  EXPECT_EQ(counts, (RunCounts{.queued = 1, .running = 1}));
  Job now = *FindJob(job.id);
  EXPECT_EQ(now.counts, counts);
  EXPECT_EQ(now.version, job.version + 1);
  EXPECT_EQ(now.start_time, clock_.now());
  EXPECT_EQ(now.end_time, absl::InfiniteFuture());
  const absl::Time started = clock_.now();
  clock_.Advance(absl::Minutes(1));
  Write([&](Tx& tx) {
    tx.ApplyToJob(job.id, {.queued = -1, .running = 1}, kKeep);
  });
  EXPECT_EQ(FindJob(job.id)->start_time, started);
}

struct Ending {
  const char* name;
  RunCounts counts;
  absl::Duration kept;
};

TEST_P(StoreRunsTest, EndedJobExpiresByItsFinalState) {
  const Ending endings[] = {
      {"all succeeded", {.succeeded = 3}, kKeep.keep_succeeded},
      {"one failed", {.succeeded = 2, .failed = 1}, kKeep.keep_failed},
      {"failed beats cancelled",
       {.succeeded = 1, .failed = 1, .cancelled = 1},
       kKeep.keep_failed},
      {"one cancelled",
       {.succeeded = 2, .cancelled = 1},
       kKeep.keep_cancelled}};
  for (const Ending& ending : endings) {
    SCOPED_TRACE(ending.name);
    const Job job = Write([](Tx& tx) { return InsertRow(tx, {.runs = 3}); });
    clock_.Advance(absl::Minutes(1));
    RunCounts delta = ending.counts;
    delta.queued = -3;
    Write([&](Tx& tx) { tx.ApplyToJob(job.id, delta, kKeep); });
    const Job ended = *FindJob(job.id);
    EXPECT_EQ(ended.end_time, clock_.now());
    EXPECT_EQ(ended.expire_time, clock_.now() + ending.kept);
    EXPECT_EQ(ended.start_time, absl::InfinitePast());
  }
}

TEST_P(StoreRunsTest, JobKeptForEverNeverExpires) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx); });
  Write([&](Tx& tx) {
    tx.ApplyToJob(job.id, {.queued = -1, .succeeded = 1},
                  {.keep_succeeded = absl::InfiniteDuration()});
  });
  EXPECT_EQ(FindJob(job.id)->end_time, clock_.now());
  EXPECT_EQ(FindJob(job.id)->expire_time, absl::InfiniteFuture());
  EXPECT_THAT(
      Read([](View& v) { return v.Expired(absl::InfiniteFuture(), 9); }),
      IsEmpty());
}

TEST_P(StoreRunsTest, RevivedJobHasNotEnded) {
  const Job job = Write([](Tx& tx) { return InsertRow(tx); });
  Write([&](Tx& tx) {
    tx.ApplyToJob(job.id, {.queued = -1, .failed = 1}, kKeep);
    tx.ApplyToJob(job.id, {.queued = 1, .failed = -1}, kKeep);
  });
  const Job revived = *FindJob(job.id);
  EXPECT_EQ(revived.end_time, absl::InfiniteFuture());
  EXPECT_EQ(revived.expire_time, absl::InfiniteFuture());
  EXPECT_EQ(revived.version, job.version + 2);
}

TEST_P(StoreRunsTest, SaveJobChangesAllButCounts) {
  Job job = Write([](Tx& tx) {
    return InsertRow(tx, {.runs = 2, .labels = {{"a", "b"}}});
  });
  const RunCounts counts = job.counts;
  job.priority = Priority::kHigh;
  job.labels = {{"c", "d"}};
  job.run_time += absl::Hours(1);
  job.start_deadline = job.run_time + absl::Hours(1);
  job.version = 5;
  job.counts = {.failed = 2};
  Write([&](Tx& tx) { tx.SaveJob(job); });
  job.counts = counts;
  EXPECT_EQ(FindJob(job.id), job);
}

TEST_P(StoreRunsTest, DeletedJobTakesAlongAllThatBelongsToIt) {
  const Job job = Write([](Tx& tx) {
    tx.SaveArtifact({"aa", 1, "image/png", tx.now()});
    const Job job = InsertRow(
        tx, {.runs = 2, .shared = "{\"steps\":4}", .own = {"{\"seed\":1}"}});
    tx.AddAttempt({.run = RunId(job.id, 1),
                   .attempt = 1,
                   .start_time = tx.now(),
                   .end_time = tx.now()});
    tx.AddReferences(job.id, {"aa"});
    InsertRow(tx);
    return job;
  });
  Write([&](Tx& tx) { tx.DeleteJob(job.id); });
  Read([&](View& view) {
    EXPECT_FALSE(view.FindJob(job.id));
    EXPECT_FALSE(view.FindRun(RunId(job.id, 0)));
    EXPECT_EQ(view.SharedParams(job.id), RunParams());
    EXPECT_EQ(view.OwnParams(RunId(job.id, 0)), RunParams());
    EXPECT_THAT(view.Attempts(RunId(job.id, 1)), IsEmpty());
    EXPECT_FALSE(view.IsReferenced("aa"));
    EXPECT_TRUE(view.FindArtifact("aa"));
    EXPECT_EQ(view.Counts().jobs, 1);
    EXPECT_TRUE(view.FindJob(JobId{2}));
    return true;
  });
  EXPECT_EQ(Write([](Tx& tx) { return InsertRow(tx); }).id, JobId{3})
      << "an id is never given twice";
}

}  // namespace
}  // namespace sheaf
