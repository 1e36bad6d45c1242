#include "server/batch_meter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

// Ten milliseconds a step, whatever the rows.
batching::Profile Flat() {
  batching::Profile profile;
  profile.name = "flat";
  profile.step = {10, 0, 0};
  return profile;
}

Leased BatchOf(int64_t id, const std::string& kind = "inference") {
  Leased leased;
  leased.batch.id = BatchId{id};
  leased.kind = kind;
  LeasedRun run;
  run.run.id = RunId(JobId{id}, 0);
  run.run.state = RunState::kRunning;
  run.params.model = "m";
  run.params.width = 64;
  run.params.height = 32;
  run.params.steps = 10;
  leased.runs = {run, run};
  return leased;
}

batching::RowSet RowsLike(const Leased& leased) {
  batching::RowSet set;
  LeasedRun run = leased.runs[0];
  run.run.state = RunState::kQueued;
  set.Add(run.run, leased.kind, "", run.params, kNow);
  return set;
}

class BatchMeterTest : public ::testing::Test {
 protected:
  std::optional<MeasuredBatch> Take(int64_t id, absl::Duration time) {
    meter_.Started(BatchOf(id), "gpu", kNow);
    return meter_.Finished(BatchId{id}, kNow + time);
  }
  BatchMeter meter_{Flat(), {}};
};

TEST_F(BatchMeterTest, HoldsWhatABatchTookAgainstItsPrediction) {
  Leased leased = BatchOf(1);
  leased.plan = PlanId{3};
  leased.plan_batch = 2;
  meter_.Started(leased, "gpu", kNow);
  const auto measured =
      meter_.Finished(BatchId{1}, kNow + absl::Milliseconds(150));
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->predicted, absl::Milliseconds(100));
  EXPECT_EQ(measured->actual, absl::Milliseconds(150));
  EXPECT_EQ(measured->plan, PlanId{3});
  EXPECT_EQ(measured->plan_batch, 2);
  EXPECT_FALSE(meter_.Finished(BatchId{1}, kNow));
}

TEST_F(BatchMeterTest, LearnsForEachKindOfWork) {
  for (int i = 1; i <= 10; ++i) Take(i, absl::Milliseconds(120));
  const auto known = meter_.For(RowsLike(BatchOf(1)));
  EXPECT_TRUE(known.calibrated());
  EXPECT_NEAR(known.correction, 1.2, 1e-9);
  Leased other = BatchOf(1);
  other.runs[0].params.width = 128;
  EXPECT_EQ(meter_.For(RowsLike(other)).count, 0);
}

TEST_F(BatchMeterTest, ABatchWithAFailureTeachesNothing) {
  meter_.Started(BatchOf(1), "gpu", kNow);
  meter_.Ended(BatchId{1}, true);
  meter_.Ended(BatchId{1}, false);
  EXPECT_FALSE(meter_.Finished(BatchId{1}, kNow + absl::Seconds(1)));
  EXPECT_THAT(meter_.All(), IsEmpty());
}

TEST_F(BatchMeterTest, OtherKindsOfJobsAreNotPredicted) {
  meter_.Started(BatchOf(1, "upscale"), "gpu", kNow);
  EXPECT_FALSE(meter_.Finished(BatchId{1}, kNow + absl::Seconds(1)));
}

TEST_F(BatchMeterTest, WhatWasLearnedIsStoredOnceAndReadBack) {
  Take(1, absl::Milliseconds(120));
  Take(2, absl::Milliseconds(130));
  const auto changed = meter_.TakeChanged();
  EXPECT_THAT(changed, SizeIs(1));
  EXPECT_THAT(meter_.TakeChanged(), IsEmpty());
  std::map<std::string, std::string> stored = changed;
  stored["calibration\nnot\nours"] = "{}";
  stored["something else"] = "?";
  EXPECT_EQ(BatchMeter(Flat(), stored).All(), meter_.All());
}

}  // namespace
}  // namespace sheaf::server
