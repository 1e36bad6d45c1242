#include "server/scheduling/batch_meter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert_memory.h"

namespace sheaf::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

const Lessee kGpu = {.device = "gpu", .device_bytes = 1000};

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
    meter_.Started(BatchOf(id), kGpu, kNow);
    return meter_.Finished(BatchId{id}, kNow + time);
  }
  BatchMeter meter_{Flat(), {}};
};

TEST_F(BatchMeterTest, HoldsWhatABatchTookAgainstItsPrediction) {
  Leased leased = BatchOf(1);
  leased.plan = PlanId{3};
  leased.plan_batch = 2;
  meter_.Started(leased, kGpu, kNow);
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
  meter_.Started(BatchOf(1), kGpu, kNow);
  meter_.Ended(BatchId{1}, true);
  meter_.Ended(BatchId{1}, false);
  EXPECT_FALSE(meter_.Finished(BatchId{1}, kNow + absl::Seconds(1)));
  EXPECT_THAT(meter_.All(), IsEmpty());
}

TEST_F(BatchMeterTest, TimesOfBatchesThatStepTogetherTeachNothing) {
  const auto overlap = [&](BatchId beside) {
    meter_.Started(BatchOf(1), kGpu, kNow);
    Lessee who = kGpu;
    who.beside = beside;
    meter_.Started(BatchOf(2), who, kNow);
    const absl::Time end = kNow + absl::Seconds(1);
    return std::make_pair(meter_.Finished(BatchId{1}, end).has_value(),
                          meter_.Finished(BatchId{2}, end).has_value());
  };
  EXPECT_EQ(overlap(BatchId{1}), std::make_pair(false, false));
  // The next batch begins while the pictures of the last are uploaded; it joins
  // nothing.
  EXPECT_EQ(overlap(BatchId{}), std::make_pair(true, true));
}

TEST_F(BatchMeterTest, MemoryOfBatchesThatStepTogetherIsLearned) {
  meter_.Started(BatchOf(1), kGpu, kNow);
  Lessee who = kGpu;
  who.beside = BatchId{1};
  meter_.Started(BatchOf(2), who, kNow);
  batching::BatchMemory memory;
  memory.rows = 4;
  memory.peak_bytes = 100;
  meter_.Held(BatchId{2}, memory);
  (void)meter_.Finished(BatchId{2}, kNow + absl::Seconds(1));
  EXPECT_GE(meter_.RowsMax({"gpu", "m", 64, 32}), 4);
}

TEST_F(BatchMeterTest, OtherKindsOfJobsAreNotPredicted) {
  meter_.Started(BatchOf(1, "upscale"), kGpu, kNow);
  EXPECT_FALSE(meter_.Finished(BatchId{1}, kNow + absl::Seconds(1)));
}

TEST_F(BatchMeterTest, MemoryIsTriedCarefullyAndLearned) {
  const WorkKind kind = {"gpu", "m", 64, 32};
  EXPECT_EQ(meter_.RowsMax(kind), kRunsPerJobMax);
  EXPECT_EQ(meter_.RowsMax("m", 64, 32), kRunsPerJobMax);
  EXPECT_EQ(meter_.Recommendation(kind), "");
  const auto hold = [&](int64_t id, int rows, int ran_out) {
    batching::BatchMemory memory;
    memory.rows = rows;
    memory.peak_bytes = rows * 200;
    memory.ran_out_rows = ran_out;
    meter_.Started(BatchOf(id), kGpu, kNow);
    meter_.Held(BatchId{id}, memory);
    (void)meter_.Finished(BatchId{id}, kNow + absl::Seconds(1));
  };
  hold(1, 1, 0);
  // The device reports its memory, so other work on it begins carefully.
  EXPECT_EQ(meter_.RowsMax({"gpu", "other", 64, 32}), 1);
  EXPECT_EQ(meter_.RowsMax({"cpu", "other", 64, 32}), kRunsPerJobMax);
  EXPECT_EQ(meter_.RowsMax(kind), 2);
  hold(2, 2, 0);
  // Four hundred bytes for two rows: four fit 85% of a thousand.
  EXPECT_EQ(meter_.RowsMax(kind), 4);
  hold(3, 2, 4);
  EXPECT_LT(meter_.RowsMax(kind), 4);
  EXPECT_EQ(meter_.RowsMax("m", 64, 32), meter_.RowsMax(kind));
  EXPECT_THAT(meter_.Recommendation(kind), StartsWith("batch size 2 fits"));
  const BatchMeter again(Flat(), meter_.TakeChanged());
  EXPECT_LT(again.RowsMax(kind), 4);
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

TEST_F(BatchMeterTest, WhatWasMeasuredPricesThatWorkAndNoOther) {
  const WorkKind kind = {"gpu", "m", 64, 32};
  EXPECT_FALSE(meter_.IsMeasured(kind));
  batching::Profile measured;
  measured.measured = {{1, 3}, {2, 4}, {4, 6}};
  measured.step = {3, 2, 1};
  meter_.Measured(kind, measured);
  EXPECT_TRUE(meter_.IsMeasured(kind));
  // Two guided runs are four rows: ten steps of six milliseconds.
  EXPECT_EQ(meter_.Started(BatchOf(1), kGpu, kNow), 60);
  EXPECT_EQ(meter_.Started(BatchOf(2), {.device = "cpu"}, kNow), 100);
  Leased other = BatchOf(3);
  for (LeasedRun& run : other.runs) run.params.model = "another";
  EXPECT_EQ(meter_.Started(other, kGpu, kNow), 100);
  const auto prices = meter_.PricesOf(RowsLike(BatchOf(1)).shapes);
  ASSERT_THAT(prices, SizeIs(1));
  EXPECT_EQ(prices[0].Step(4), 6);
  EXPECT_TRUE(prices[0].measured_here);
}

TEST_F(BatchMeterTest, AnotherSizeIsPricedByItsPixels) {
  batching::Profile measured;
  measured.measured = {{1, 10}, {2, 12}, {8, 30}};
  measured.step = {10, 6, 3};
  measured.decode = {0, 5};
  measured.encode = {0, 2};
  meter_.Measured({"gpu", "m", 128, 64}, measured);
  const batching::Profile scaled =
      meter_.PricesOf(RowsLike(BatchOf(1)).shapes, "gpu")[0];
  EXPECT_EQ(scaled.Step(1), 10);  // A quarter of the pixels, but a step.
  EXPECT_EQ(scaled.Step(8), 12);
  EXPECT_EQ(scaled.Step(16), 18);
  EXPECT_EQ(scaled.decode.At(1), 1.25);
  EXPECT_EQ(scaled.encode.At(1), 2);
  EXPECT_EQ(scaled.name, "gpu, m, 64x32 (by the pixels from 128x64)");
  EXPECT_EQ(Scaled(measured, 4).Step(2), 30);
  EXPECT_TRUE(meter_.IsMeasured({"gpu", "m", 64, 32}));
  EXPECT_FALSE(meter_.IsMeasured({"gpu", "m", 0, 0}));
}

TEST_F(BatchMeterTest, ANewMeasurementForgetsCorrectionsOfOldPrices) {
  for (int i = 1; i <= 10; ++i) Take(i, absl::Milliseconds(120));
  meter_.Started(BatchOf(11), kGpu, kNow);
  batching::Profile measured;
  measured.step = {20, 0, 0};
  meter_.Measured({"gpu", "m", 64, 32}, measured);
  EXPECT_EQ(meter_.For(RowsLike(BatchOf(1))).count, 0);
  // The batch was predicted before, so it tells nothing of the new prices.
  EXPECT_TRUE(meter_.Finished(BatchId{11}, kNow + absl::Seconds(1)));
  EXPECT_EQ(meter_.For(RowsLike(BatchOf(1))).count, 0);
  Take(12, absl::Milliseconds(220));
  EXPECT_NEAR(meter_.For(RowsLike(BatchOf(1))).correction, 1.1, 1e-9);
}

TEST_F(BatchMeterTest, MeasuredProfilesOutliveTheServer) {
  batching::Profile measured;
  measured.measured = {{1, 7}};
  measured.step = {7, 0, 0};
  meter_.Measured({"gpu", "m", 64, 32}, measured);
  BatchMeter again(Flat(), meter_.TakeChanged());
  EXPECT_EQ(again.PricesOf(RowsLike(BatchOf(1)).shapes),
            meter_.PricesOf(RowsLike(BatchOf(1)).shapes));
  EXPECT_TRUE(again.HasMeasured("gpu", "m"));
  EXPECT_FALSE(again.HasMeasured("cpu", "m"));
}

TEST_F(BatchMeterTest, NamesMayHoldAnything) {
  const WorkKind kind{"gpu\n1", "a\\n\\\nb", 64, 32};
  const std::string name = NameOf("x\n", kind);
  EXPECT_EQ(ParseWorkKind("x\n", name), kind);
}

TEST_F(BatchMeterTest, WhatDoesNotReadIsForgotten) {
  BatchMeter meter(Flat(), {{"profile1\ngpu\nm\n1\n1", "{"},
                            {"memory\ngpu\nm\n1\n1", std::string(100'000, ' ')},
                            {"nobody knows", "{}"}});
  EXPECT_THAT(meter.TakeChanged(), SizeIs(3));
}

TEST_F(BatchMeterTest, FiguresSayWhatIsKnownOfEachKind) {
  EXPECT_THAT(meter_.Figures(), IsEmpty());
  batching::Profile measured;
  measured.step = {7, 0, 0};
  meter_.Measured({"gpu", "m", 64, 32}, measured);
  ASSERT_THAT(meter_.Figures("gpu"), SizeIs(1));
  EXPECT_EQ(meter_.Figures("gpu")[0].recommendation, "31 is the knee");
  batching::BatchMemory memory;
  memory.rows = 2;
  memory.peak_bytes = 400;
  meter_.Started(BatchOf(1), kGpu, kNow);
  meter_.Held(BatchId{1}, memory);
  (void)meter_.Finished(BatchId{1}, kNow + absl::Seconds(1));
  const auto figures = meter_.Figures("gpu");
  ASSERT_THAT(figures, SizeIs(1));
  EXPECT_TRUE(figures[0].measured);
  EXPECT_EQ(figures[0].profile, "gpu, m, 64x32");
  EXPECT_EQ(figures[0].budget, 850);
  v1::WorkMemory told;
  ToProto(figures[0], &told);
  EXPECT_EQ(told.run_count_max(), 4);
  EXPECT_EQ(told.peak_bytes(), 400);
  EXPECT_EQ(told.peak_run_count(), 2);
  EXPECT_EQ(told.batch_count(), 1);
  EXPECT_THAT(meter_.Figures("cpu"), IsEmpty());
}

class ForgedFiguresTest : public BatchMeterTest {
 protected:
  // Ends a batch of `rows` rows whose worker says that it held `bytes`.
  void Tell(int rows, int64_t bytes, int ran_out = 0) {
    batching::BatchMemory memory;
    memory.rows = rows;
    memory.peak_bytes = bytes;
    memory.ran_out_rows = ran_out;
    const int64_t id = ++last_;
    meter_.Started(BatchOf(id), kGpu, kNow);
    meter_.Held(BatchId{id}, memory);
    (void)meter_.Finished(BatchId{id}, kNow + absl::Seconds(1));
  }
  const WorkKind kind_ = {"gpu", "m", 64, 32};
  int64_t last_ = 0;
};

TEST_F(ForgedFiguresTest, AreForgottenOnceAnHonestBatchHasRun) {
  for (const int rows : {1, 2, 4}) Tell(rows, rows * 100);
  const int honest = meter_.RowsMax(kind_);
  ASSERT_GE(honest, 4);
  Tell(1, int64_t{1} << 62, /*ran_out=*/1);
  Tell(1, 100);
  EXPECT_EQ(meter_.RowsMax(kind_), honest);
  // A meter that reads the stored figures forgets the forged one, too.
  BatchMeter next(Flat(), meter_.TakeChanged());
  next.Started(BatchOf(99), kGpu, kNow);
  batching::BatchMemory memory;
  memory.rows = 4;
  memory.peak_bytes = 400;
  next.Held(BatchId{99}, memory);
  (void)next.Finished(BatchId{99}, kNow + absl::Seconds(1));
  EXPECT_GE(next.RowsMax(kind_), 4);
}

TEST_F(ForgedFiguresTest, AreNoMoreThanTheDeviceHas) {
  Tell(1, int64_t{1} << 62);
  ASSERT_THAT(meter_.Figures(), SizeIs(1));
  ASSERT_THAT(meter_.Figures()[0].held.peaks, SizeIs(1));
  EXPECT_LE(meter_.Figures()[0].held.peaks[0].bytes, 1000);
}

TEST_F(ForgedFiguresTest, WhatIsOfUseOutlivesJunk) {
  meter_.Measured(kind_, Flat());
  for (size_t i = 0; i < 2 * BatchMeter::kKindsMax; ++i) {
    meter_.Measured({"gpu", "junk" + std::to_string(i), 8, 8}, Flat());
    // Work of the measured kind goes on all the while.
    if (i % 1000 == 0) Take(static_cast<int64_t>(i) + 1, absl::Seconds(1));
  }
  EXPECT_TRUE(meter_.IsMeasured(kind_));
  EXPECT_FALSE(meter_.IsMeasured({"gpu", "junk0", 8, 8}));
  EXPECT_LE(meter_.Figures().size(), BatchMeter::kKindsMax);
  // Forgotten kinds are to be deleted, new ones to be stored.
  int64_t stored = 0;
  for (const auto& [name, value] : meter_.TakeChanged()) {
    stored += value.empty() ? 0 : 1;
  }
  EXPECT_LE(stored, static_cast<int64_t>(BatchMeter::kKindsMax) + 1);
}

TEST_F(ForgedFiguresTest, AreForgottenByName) {
  Tell(1, 100);
  meter_.Measured({"other", "n", 8, 8}, Flat());
  EXPECT_EQ(meter_.Forget("nobody"), 0);
  EXPECT_EQ(meter_.Forget("m"), 1);
  EXPECT_THAT(meter_.All(), IsEmpty());
  EXPECT_TRUE(meter_.HasMeasured("other", "n"));
  EXPECT_EQ(meter_.Forget("other"), 1);
  EXPECT_FALSE(meter_.HasMeasured("other", "n"));
  Tell(1, 100);
  EXPECT_EQ(meter_.Forget(""), 1);
  for (const auto& [name, value] : meter_.TakeChanged()) {
    EXPECT_EQ(value, "") << name;
  }
}

}  // namespace
}  // namespace sheaf::server
