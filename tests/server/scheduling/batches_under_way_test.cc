#include "server/scheduling/batches_under_way.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr WorkerId kWorker{7};

class BatchesUnderWayTest : public ::testing::Test {
 protected:
  Lessee Worker(BatchId beside = {}) {
    Lessee who = kGpu;
    who.id = kWorker;
    who.beside = beside;
    return who;
  }
  // Ends all its runs; answers the outcome.
  EndedBatch End(const Leased& leased, absl::Duration after,
                 RunState state = RunState::kSucceeded) {
    const BatchEnds ends =
        under_way_.NoteCommit(EndOf(leased, state), kNow + after);
    EXPECT_THAT(ends.batches, SizeIs(1));
    return ends.batches.empty() ? EndedBatch() : ends.batches[0];
  }
  PricesBoard prices_{Flat()};
  BatchesUnderWay under_way_{&prices_};
};

TEST_F(BatchesUnderWayTest, HoldsWhatABatchTookAgainstItsPrediction) {
  Leased leased = BatchOf(1);
  leased.plan = PlanId{3};
  leased.plan_batch = 2;
  EXPECT_EQ(under_way_.Started(leased, Worker(), kNow), 100);
  const EndedBatch ended = End(leased, absl::Milliseconds(150));
  EXPECT_EQ(ended.prediction.ms, 100);
  EXPECT_EQ(ended.prediction.kind, kKind);
  EXPECT_EQ(ended.actual, absl::Milliseconds(150));
  EXPECT_TRUE(ended.tells);
  EXPECT_EQ(ended.plan, PlanId{3});
  EXPECT_EQ(ended.plan_batch, 2);
  EXPECT_EQ(ended.device_bytes, 1000);
  EXPECT_EQ(under_way_.size(), 0u);
  EXPECT_THAT(under_way_.NoteCommit(EndOf(leased), kNow).workers, IsEmpty());
}

TEST_F(BatchesUnderWayTest, ABatchEndsWithItsLastRun) {
  const Leased leased = BatchOf(1);
  under_way_.Started(leased, Worker(), kNow);
  const auto end_one = [&](int index) {
    return under_way_.NoteCommit(
        EndOf(leased.batch.id,
              {{leased.batch.runs[index], RunState::kSucceeded, 1}}),
        kNow);
  };
  const BatchEnds first = end_one(0);
  EXPECT_THAT(first.workers,
              ElementsAre(Pair(kWorker, AttemptCounts{.succeeded = 1})));
  EXPECT_THAT(first.batches, IsEmpty());
  EXPECT_THAT(end_one(1).batches, SizeIs(1));
}

TEST_F(BatchesUnderWayTest, ABatchWithAFailureTellsNothing) {
  const Leased leased = BatchOf(1);
  under_way_.Started(leased, Worker(), kNow);
  const BatchEnds ends = under_way_.NoteCommit(
      EndOf(leased.batch.id, {{leased.batch.runs[0], RunState::kSucceeded, 1},
                              {leased.batch.runs[1], RunState::kQueued, 1,
                               ErrorClass::kEngine}}),
      kNow + absl::Seconds(1));
  ASSERT_THAT(ends.batches, SizeIs(1));
  EXPECT_FALSE(ends.batches[0].tells);
  EXPECT_THAT(ends.workers, ElementsAre(Pair(kWorker, AttemptCounts{1, 1})));
}

TEST_F(BatchesUnderWayTest,
       ABatchThatIsHandedBackHasNeitherSucceededNorFailed) {
  const Leased leased = BatchOf(1);
  under_way_.Started(leased, Worker(), kNow);
  const BatchEnds ends =
      under_way_.NoteCommit(EndOf(leased, RunState::kQueued), kNow);
  EXPECT_THAT(ends.workers, ElementsAre(Pair(kWorker, AttemptCounts{})));
  ASSERT_THAT(ends.batches, SizeIs(1));
  EXPECT_FALSE(ends.batches[0].tells);
}

// The worker makes no picture for it, so it takes no time.
TEST_F(BatchesUnderWayTest, ATwinThatIsHandedBackChangesNoTime) {
  Leased leased = BatchOf(1);
  const RunId twin = RunId(JobId{9}, 0);
  leased.batch.runs.push_back(twin);
  leased.batch.twins[twin] = leased.batch.runs[0];
  under_way_.Started(leased, Worker(), kNow);
  const BatchEnds ends = under_way_.NoteCommit(
      EndOf(leased.batch.id, {{leased.batch.runs[0], RunState::kSucceeded, 1},
                              {twin, RunState::kCancelled, 1},
                              {leased.batch.runs[1], RunState::kSucceeded, 1}}),
      kNow);
  ASSERT_THAT(ends.batches, SizeIs(1));
  EXPECT_TRUE(ends.batches[0].tells);
}

TEST_F(BatchesUnderWayTest, TimesOfBatchesThatStepTogetherTellNothing) {
  const auto overlap = [&](BatchId beside) {
    under_way_.Started(BatchOf(1), Worker(), kNow);
    under_way_.Started(BatchOf(2), Worker(beside), kNow);
    return std::make_pair(End(BatchOf(1), absl::Seconds(1)).tells,
                          End(BatchOf(2), absl::Seconds(1)).tells);
  };
  EXPECT_EQ(overlap(BatchId{1}), std::make_pair(false, false));
  // The next batch begins while the pictures of the last are uploaded; it joins
  // nothing.
  EXPECT_EQ(overlap(BatchId{}), std::make_pair(true, true));
}

TEST_F(BatchesUnderWayTest, MemoryOfBatchesThatStepTogetherIsTold) {
  under_way_.Started(BatchOf(1), Worker(), kNow);
  under_way_.Started(BatchOf(2), Worker(BatchId{1}), kNow);
  batching::BatchMemory memory;
  memory.rows = 4;
  memory.peak_bytes = 100;
  under_way_.Held(BatchId{2}, memory);
  EXPECT_EQ(End(BatchOf(2), absl::Seconds(1)).memory.rows, 4);
}

TEST_F(BatchesUnderWayTest, OtherKindsOfJobsAreNotPredictedButCounted) {
  const Leased leased = BatchOf(1, "upscale");
  under_way_.Started(leased, Worker(), kNow);
  EXPECT_FALSE(under_way_.FreeIn(kWorker, kNow));
  const BatchEnds ends = under_way_.NoteCommit(EndOf(leased), kNow);
  EXPECT_THAT(ends.batches, IsEmpty());
  EXPECT_THAT(ends.workers, ElementsAre(Pair(kWorker, AttemptCounts{2, 0})));
  EXPECT_EQ(under_way_.size(), 0u);
}

TEST_F(BatchesUnderWayTest, BatchesFromBeforeARestartAreCounted) {
  Batch batch = BatchOf(1).batch;
  batch.worker = kWorker;
  under_way_.Start({batch});
  EXPECT_FALSE(under_way_.FreeIn(kWorker, kNow));
  const BatchEnds ends = under_way_.NoteCommit(EndOf(BatchOf(1)), kNow);
  EXPECT_THAT(ends.workers, ElementsAre(Pair(kWorker, AttemptCounts{2, 0})));
  EXPECT_THAT(ends.batches, IsEmpty()) << "nobody predicted it";
}

TEST_F(BatchesUnderWayTest, AWorkerIsFreeWhenItsBatchShouldEnd) {
  under_way_.Started(BatchOf(1), Worker(), kNow);
  EXPECT_FALSE(under_way_.FreeIn(kWorker, kNow)) << "not calibrated";
  for (int i = 0; i < 10; ++i) {
    prices_.Learn(prices_.Predict(RowsLike(BatchOf(1)), kKind),
                  absl::Milliseconds(200));
  }
  const absl::Time later = kNow + absl::Milliseconds(50);
  EXPECT_NEAR(under_way_.FreeIn(kWorker, later).value_or(0), 150, 1e-6);
  EXPECT_FALSE(under_way_.FreeIn(WorkerId{8}, later));
  EXPECT_FALSE(under_way_.FreeIn(kWorker, kNow + absl::Seconds(1)))
      << "it is late";
  End(BatchOf(1), absl::Milliseconds(60));
  EXPECT_FALSE(under_way_.FreeIn(kWorker, later));
}

}  // namespace
}  // namespace sheaf::server
