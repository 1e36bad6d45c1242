#include "server/scheduling/work_of.h"

#include "gtest/gtest.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

TEST(WorkOfTest, TheControlsOfABatchCount) {
  Leased batch = BatchOf(1);
  EXPECT_EQ(WorkOf(kGpu, batch.runs), kKind);
  batch.runs[0].params.weights = {{"edge", 0.5}, {"depth", 0}};
  batch.runs[1].params.weights = {{"edge", 0.1}, {"pose", 1}};
  WorkKind kind = kKind;
  kind.controls = 2;
  EXPECT_EQ(WorkOf(kGpu, batch.runs), kind);
  kind.controls = 1;
  EXPECT_EQ(WorkOf(kGpu, batch.runs[0].params), kind);
}

TEST(WorkOfTest, VeryManyControlsAreOneKind) {
  RunParams params;
  for (int i = 0; i < 100; ++i) params.weights["c" + std::to_string(i)] = 1;
  EXPECT_EQ(WorkOf(kGpu, params).controls, WorkKind::kControlsMax);
}

}  // namespace
}  // namespace sheaf::server
