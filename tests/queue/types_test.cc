#include "queue/types.h"

#include "gtest/gtest.h"
#include "queue/event.h"
#include "queue/rows/broken_row.h"

namespace sheaf {
namespace {

TEST(NamesTest, NamesReadBack) {
  EXPECT_EQ(NameOf(JobId{42}), "jobs/42");
  EXPECT_EQ(NameOf(RunId(JobId{42}, 7)), "jobs/42/runs/7");
  EXPECT_EQ(ParseJobName("jobs/42"), JobId{42});
  EXPECT_EQ(ParseRunName("jobs/42/runs/7"), RunId(JobId{42}, 7));
  EXPECT_EQ(ParseBatchName(NameOf(BatchId{5})), BatchId{5});
  EXPECT_EQ(ParseWorkerName(NameOf(WorkerId{6})), WorkerId{6});
  const RunId last(JobId{(int64_t{1} << 46) - 1}, kRunsPerJobMax - 1);
  EXPECT_EQ(ParseRunName(NameOf(last)), last);
}

TEST(NamesTest, ThingHasOneName) {
  for (const char* name :
       {"", "jobs", "jobs/", "jobs/042", "jobs/+4", "jobs/-4", "jobs/4 ",
        " jobs/4", "jobs/4/", "Jobs/4", "jobs/4x", "jobs/0x4", "job/4",
        "jobs/99999999999999999999", "jobs/70368744177664", "jobs/4/runs/0"}) {
    EXPECT_EQ(ParseJobName(name), std::nullopt) << name;
  }
  for (const char* name :
       {"", "jobs/4", "jobs/4/runs", "jobs/4/runs/", "jobs/4/runs/00",
        "jobs/4/runs/100000", "jobs/4/runs/-1", "jobs//runs/1", "runs/1",
        "jobs/4/runs/1/", "jobs/4/runs/1/runs/2"}) {
    EXPECT_EQ(ParseRunName(name), std::nullopt) << name;
  }
  EXPECT_EQ(ParseBatchName("workers/1"), std::nullopt);
  EXPECT_EQ(ParseWorkerName("batches/1"), std::nullopt);
}

TEST(RunIdTest, JobAndIndexArePackedAndUnpacked) {
  for (int64_t job : {int64_t{0}, int64_t{1}, int64_t{1} << 45}) {
    for (int index : {0, 1, kRunsPerJobMax - 1}) {
      EXPECT_EQ(RunId(JobId{job}, index).job(), JobId{job});
      EXPECT_EQ(RunId(JobId{job}, index).index(), index);
    }
  }
  EXPECT_LT(RunId(JobId{1}, kRunsPerJobMax - 1), RunId(JobId{2}, 0));
}

TEST(CellTest, TheUpperBitsOfAnIdNameItsCell) {
  EXPECT_EQ(CellOf(JobId{1}), 0);
  EXPECT_EQ(CellOf(JobId{kCountMax}), 0);
  EXPECT_EQ(CellOf(BatchId{kCountMax + 1}), 1);
  EXPECT_EQ(CellOf(WorkerId{(int64_t{5} << 36) | 42}), 5);
  EXPECT_EQ(CellOf(PlanId{(int64_t{1} << 46) - 1}), 1023);
  // The key of a run names the cell of its job.
  const RunId run(JobId{int64_t{1023} << 36}, kRunsPerJobMax - 1);
  EXPECT_EQ(CellOf(run.job()), 1023);
}

TEST(CellTest, NumbersAreCountedUpToTheEndOfTheirCell) {
  for (const int64_t cell : {int64_t{0}, int64_t{7} << 36}) {
    EXPECT_EQ(NextInCell(cell, "job"), cell + 1);
    EXPECT_EQ(NextInCell(cell + kCountMax - 1, "job"), cell + kCountMax);
    EXPECT_THROW(NextInCell(cell + kCountMax, "job"), BrokenRow);
    EXPECT_EQ(SkipInCell(cell + 5, 100), cell + 105);
    EXPECT_EQ(SkipInCell(cell + kCountMax - 5, 100), cell + kCountMax);
    EXPECT_EQ(SkipInCell(cell + kCountMax, 100), cell + kCountMax);
  }
}

TEST(AttemptTest, OnlyThoseBeforeTheNewestHundredAreForgotten) {
  EXPECT_EQ(LastForgotten(1), 0);
  EXPECT_EQ(LastForgotten(kAttemptsKeptMax), 0);
  EXPECT_EQ(LastForgotten(kAttemptsKeptMax + 1), 1);
}

TEST(RunStateTest, TableIsInOrderAndFinalStatesAreLeftOnlyForTheLine) {
  for (const RunStateFacts& facts : kRunStates) {
    EXPECT_EQ(FactsOf(facts.state).state, facts.state);
    EXPECT_FALSE(MayFollow(facts.state, facts.state));
    if (!facts.final) continue;
    EXPECT_EQ(facts.next & ~StateBit(RunState::kQueued), 0u);
  }
  EXPECT_EQ(FactsOf(RunState::kSucceeded).next, 0u);
}

struct StateCase {
  RunCounts counts;
  JobState state;
};

TEST(JobStateTest, JobsStateFollowsItsRuns) {
  const StateCase cases[] = {
      {{.succeeded = 2}, JobState::kSucceeded},
      {{.succeeded = 2, .cancelled = 1}, JobState::kCancelled},
      {{.succeeded = 2, .failed = 1, .cancelled = 1}, JobState::kFailed},
      {{.queued = 1, .failed = 1}, JobState::kQueued},
      {{.queued = 1, .running = 1, .failed = 1}, JobState::kRunning},
  };
  for (const StateCase& c : cases) EXPECT_EQ(StateOf(c.counts), c.state);
}

TEST(RunCountsTest, EachStateHasItsOwnCount) {
  RunCounts counts;
  int64_t n = 0;
  for (const RunStateFacts& facts : kRunStates) counts.of(facts.state) = ++n;
  EXPECT_EQ(counts, (RunCounts{1, 2, 3, 4, 5}));
  counts += counts;
  EXPECT_EQ(counts, (RunCounts{2, 4, 6, 8, 10}));
  EXPECT_EQ(counts.live(), 6);
}

TEST(EventTest, AQueueThatIsResumedOrChangedMayHandOutWhatWaited) {
  using enum EventType;
  for (EventType type : {kQueueResumed, kQueueUpdated}) {
    EXPECT_TRUE(OpensQueue({.type = type}));
  }
  for (EventType type : {kJobSubmitted, kJobDeleted, kRunsStarted, kRunsChanged,
                         kQueuePaused, kQueueDraining, kWorkerLeft}) {
    EXPECT_FALSE(OpensQueue({.type = type}));
  }
}

TEST(EventTest, TheNewestEventIsNeverTrimmed) {
  EXPECT_EQ(LastTrimmed(3, 10), 3);
  EXPECT_EQ(LastTrimmed(10, 10), 9);
  EXPECT_EQ(LastTrimmed(99, 10), 9);
}

TEST(EventTest, EventConcernsItsJobAndThoseOfItsRuns) {
  const Event event{.job = JobId{1}, .runs = {{.run = RunId(JobId{2}, 5)}}};
  EXPECT_TRUE(Concerns(event, JobId{1}));
  EXPECT_TRUE(Concerns(event, JobId{2}));
  EXPECT_FALSE(Concerns(event, JobId{5}));
}

}  // namespace
}  // namespace sheaf
