// The reference of docs/batching.md: another planner's costs for one trace on
// two measured devices. No case of it is known to the code.
#include "tests/batching/golden.h"

#include <cmath>
#include <map>
#include <string>

#include "base/json.h"
#include "batching/plan/planner.h"
#include "batching/simulate/trace.h"
#include "gtest/gtest.h"

namespace sheaf::batching {
namespace {

std::string NameOf(const Json& row) {
  return *row.Find("profile")->text() + "/" +
         std::to_string(*row.Find("batch_size")->integer()) + "/" +
         *row.Find("policy")->text();
}

class GoldenTest : public testing::Test {
 protected:
  GoldenTest() : trace_(GoldenTrace()), profiles_(GoldenProfiles()) {}

  Plan PlanOf(const std::string& profile, Policy policy, int batch_size) {
    const CostModel model(&trace_.set.shapes, profiles_.at(profile));
    PlanOptions options;
    options.batch_size = batch_size;
    options.across_priorities = true;
    return MakePlan(trace_.set, model, policy, options);
  }

  Trace trace_;
  std::map<std::string, Profile> profiles_;
};

TEST_F(GoldenTest, SingleBatchesCostWhatTheReferenceSays) {
  const Json rows = GoldenJson("batch-costs.json");
  ASSERT_EQ(rows.array()->size(), 10u);
  for (const Json& row : *rows.array()) {
    const CostModel model(&trace_.set.shapes,
                          profiles_.at(*row.Find("profile")->text()));
    std::vector<uint32_t> classes;
    for (const Json& run : *row.Find("runs")->array()) {
      classes.push_back(CostOf(trace_, *(*run.array())[0].text(),
                               *(*run.array())[1].integer()));
    }
    const double ms = *row.Find("gpu_ms")->number();
    const double dense = *row.Find("gpu_ms_dense")->number();
    EXPECT_NEAR(model.Batch(classes), ms, 1e-6 * ms);
    EXPECT_NEAR(model.Batch(classes, Computation::kDense), dense, 1e-6 * dense);
  }
}

TEST_F(GoldenTest, GreedyPoliciesMatchAndOptimalOnesAreNoDearer) {
  const Json rows = GoldenJson("expected.json");
  ASSERT_EQ(rows.array()->size(), 30u);
  for (const Json& row : *rows.array()) {
    SCOPED_TRACE(NameOf(row));
    const auto policy = ParsePolicy(*row.Find("policy")->text());
    ASSERT_TRUE(policy.has_value());
    const double ms = *row.Find("gpu_ms")->number();
    const Plan plan = PlanOf(*row.Find("profile")->text(), *policy,
                             *row.Find("batch_size")->integer());
    if (SpecOf(*policy).fill == Fill::kOptimal) {
      EXPECT_LE(plan.gpu_ms, ms * (1 + 1e-9));
    } else {
      EXPECT_NEAR(plan.gpu_ms, ms, 1e-4 * ms);
      EXPECT_EQ(static_cast<int64_t>(plan.batches.size()),
                *row.Find("batches")->integer());
    }
  }
}

TEST_F(GoldenTest, BestIsNeverWorseThanAnyAndAboveTheBound) {
  for (const auto& [profile, unused] : profiles_) {
    for (const int size : {1, 2, 3, 4, 5, 8, 16}) {
      const double best = PlanOf(profile, Policy::kBest, size).gpu_ms;
      const CostModel model(&trace_.set.shapes, profiles_.at(profile));
      EXPECT_GE(best, LowerBound(trace_.set, model, size) * (1 - 1e-9));
      for (const PolicySpec& spec : PolicySpecs()) {
        EXPECT_LE(best, PlanOf(profile, spec.policy, size).gpu_ms + 1e-6)
            << profile << " " << size << " " << spec.name;
      }
    }
  }
}

}  // namespace
}  // namespace sheaf::batching
