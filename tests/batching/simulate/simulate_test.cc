#include "batching/simulate/simulate.h"

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "batching/plan/planner.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"
#include "tests/batching/golden.h"

namespace sheaf::batching {
namespace {

Simulated Played(const Trace& trace, const Profile& profile,
                 const std::string& policy, const SimulateOptions& options) {
  return Simulate(trace, profile, policy, options).value();
}

class SimulateTest : public testing::Test {
 protected:
  SimulateTest() : trace_(GoldenTrace()), profiles_(GoldenProfiles()) {}

  Trace trace_;
  std::map<std::string, Profile> profiles_;
};

TEST_F(SimulateTest, TheDeviceTakesWhatThePlannerPredicted) {
  for (const auto& [name, profile] : profiles_) {
    const CostModel model(&trace_.set.shapes, profile);
    for (const PolicySpec& spec : PolicySpecs()) {
      PlanOptions options = {.batch_size = 8};
      options.across_priorities = true;
      const Plan plan = MakePlan(trace_.set, model, spec.policy, options);
      const Simulated simulated =
          Played(trace_, profile, std::string(spec.name), {.batch_size = 8});
      EXPECT_NEAR(simulated.gpu_ms, plan.gpu_ms, 1e-6 * plan.gpu_ms);
      EXPECT_EQ(simulated.batches, static_cast<int64_t>(plan.batches.size()));
      EXPECT_EQ(simulated.swaps, plan.swaps);
      EXPECT_EQ(simulated.runs, 216);
    }
  }
}

TEST_F(SimulateTest, ContinuousBeatsMinimalMixedOptimalOnTheFastCard) {
  for (const int size : {4, 8}) {
    const SimulateOptions options = {.batch_size = size};
    const Profile& profile = profiles_.at("sdxl-512-h200");
    EXPECT_LT(Played(trace_, profile, "continuous", options).gpu_ms,
              Played(trace_, profile, "minimal-mixed-optimal", options).gpu_ms);
  }
}

TEST_F(SimulateTest, EveryPolicyFinishesEveryRunUnderEitherArrival) {
  for (const auto arrivals : {Arrivals::kQueued, Arrivals::kRecorded}) {
    for (const std::string& policy : SimulatedPolicies()) {
      const Simulated row =
          Played(trace_, profiles_.at("sdxl-512-h200"), policy,
                 {.batch_size = 8, .arrivals = arrivals});
      EXPECT_EQ(row.runs, 216) << policy;
      EXPECT_GT(row.fill, 0) << policy;
      EXPECT_LE(row.fill, 1 + 1e-9) << policy;
      EXPECT_LE(row.mean_ms, row.p95_ms) << policy;
      EXPECT_LE(row.p95_ms, row.p99_ms) << policy;
      EXPECT_LE(row.p99_ms, row.end_ms) << policy;
      EXPECT_GE(row.end_ms, row.gpu_ms) << policy;
    }
  }
}

TEST_F(SimulateTest, RandomTracesLoseNoRunUnderAnyPolicy) {
  const uint32_t seed = TestSeed();
  std::mt19937 random(seed);
  for (int round = 0; round < 10; ++round) {
    std::string csv = "arrival_ms,job,model,steps,guidance,priority,controls\n";
    for (int i = 0; i < 60; ++i) {
      absl::StrAppend(&csv, random() % 60'000, ",job-", random() % 20, ",",
                      random() % 3 == 0 ? "anime" : "base", ",",
                      10 + random() % 30, ",", random() % 2 == 0 ? "1" : "7.5",
                      ",", random() % 4 == 0 ? "high" : "normal", ",",
                      random() % 3 == 0 ? "edge:0.5:0:0.6" : "", "\n");
    }
    const Trace trace = ParseTrace(csv).value();
    for (const auto arrivals : {Arrivals::kQueued, Arrivals::kRecorded}) {
      const SimulateOptions options = {
          .batch_size = 1 + static_cast<int>(random() % 8),
          .arrivals = arrivals};
      for (const std::string& policy : SimulatedPolicies()) {
        EXPECT_EQ(Played(trace, FastDevice(), policy, options).runs, 60)
            << policy << " seed " << seed;
      }
    }
  }
}

TEST_F(SimulateTest, WaitingForCompanyPaysWhenRunsComeOneByOne) {
  std::string csv = "arrival_ms,job,steps\n";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&csv, i * 300, ",j", i, ",4\n");
  const Trace trace = ParseTrace(csv).value();
  SimulateOptions options = {.batch_size = 8, .arrivals = Arrivals::kRecorded};
  const Simulated best = Played(trace, FastDevice(), "best", options);
  options.waiting.wait_max = absl::Seconds(1);
  const Simulated adaptive = Played(trace, FastDevice(), "adaptive", options);
  EXPECT_LT(adaptive.gpu_ms, best.gpu_ms);
  EXPECT_LT(adaptive.batches, best.batches);
}

TEST_F(SimulateTest, UnknownPoliciesAndSizesAreRefused) {
  const auto error = [&](const std::string& policy, int size) {
    return std::string(
        Simulate(trace_, FastDevice(), policy, {.batch_size = size})
            .status()
            .message());
  };
  EXPECT_THAT(error("naturel", 4),
              testing::HasSubstr("did you mean 'natural'?"));
  EXPECT_THAT(error("off", 4), testing::HasSubstr("there is no policy"));
  EXPECT_THAT(error("best", 0), testing::HasSubstr("batch size"));
}

}  // namespace
}  // namespace sheaf::batching
