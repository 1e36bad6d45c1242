#include "server/scheduling/work_of.h"

#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

TEST(WorkOfTest, TheControlsOfABatchCount) {
  Leased batch = BatchOf(1);
  EXPECT_EQ(WorkOf(kGpu, batch.runs, nullptr), kKind);
  batch.runs[0].params.weights = {{"edge", 0.5}, {"depth", 0}};
  batch.runs[1].params.weights = {{"edge", 0.1}, {"pose", 1}};
  WorkKind kind = kKind;
  kind.controls = 2;
  EXPECT_EQ(WorkOf(kGpu, batch.runs, nullptr), kind);
  kind.controls = 1;
  EXPECT_EQ(WorkOf(kGpu, batch.runs[0].params, nullptr), kind);
}

TEST(WorkOfTest, VeryManyControlsAreOneKind) {
  RunParams params;
  for (int i = 0; i < 100; ++i) params.weights["c" + std::to_string(i)] = 1;
  EXPECT_EQ(WorkOf(kGpu, params, nullptr).controls, WorkKind::kControlsMax);
}

TEST(WorkOfTest, TheDefaultModelAndItsSizeHaveOneName) {
  std::map<std::string, batching::ModelFacts> facts;
  facts["m"].defaults.width = 64;
  facts["m"].defaults.height = 32;
  facts["m"].defaults.vae = "sharp";
  const batching::ModelTable models("m", std::move(facts));
  EXPECT_EQ(WorkOf(kGpu, RunParams(), &models), kKind);
  EXPECT_EQ(WorkOf(kGpu, BatchOf(1).runs, &models), kKind);
  EXPECT_EQ(WorkOf(kGpu, Lane(), &models), kKind);
  EXPECT_EQ(Spelled(WorkKind{"gpu", "m"}, &models), kKind);
  RunParams other;
  other.model = "another";
  EXPECT_EQ(WorkOf(kGpu, other, &models), (WorkKind{"gpu", "another"}));
  EXPECT_EQ(Spelled(Lane(), &models).vae, "sharp");
}

}  // namespace
}  // namespace sheaf::server
