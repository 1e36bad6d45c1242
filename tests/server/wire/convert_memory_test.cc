#include "server/wire/convert_memory.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

TEST(ConvertMemoryTest, OfAllPeaksTheHighestIsTold) {
  WorkFigures figures;
  figures.kind = {"gpu", "m", 64, 32};
  figures.rows_max = 4;
  figures.held.peaks = {{2, 400}, {1, 100}, {3, 400}, {2, 400}};
  figures.held.smallest_oom = 6;
  figures.budget = 850;
  figures.recommendation = "batch size 4 fits";
  figures.profile = "gpu, m, 64x32";
  figures.measured = true;
  v1::WorkMemory told;
  ToProto(figures, &told);
  EXPECT_EQ(told.device(), "gpu");
  EXPECT_EQ(told.model(), "m");
  EXPECT_EQ(told.width(), 64);
  EXPECT_EQ(told.height(), 32);
  EXPECT_EQ(told.run_count_max(), 4);
  EXPECT_EQ(told.batch_count(), 4);
  EXPECT_EQ(told.peak_bytes(), 400);
  EXPECT_EQ(told.peak_run_count(), 3) << "the most runs that held so much";
  EXPECT_EQ(told.budget_bytes(), 850);
  EXPECT_EQ(told.ran_out_run_count(), 6);
  EXPECT_EQ(told.recommendation(), "batch size 4 fits");
  EXPECT_EQ(told.profile(), "gpu, m, 64x32");
  EXPECT_TRUE(told.measured());
}

TEST(ConvertMemoryTest, AReportOfABatchComesIn) {
  v1::BatchMemory report;
  report.set_row_count(3);
  report.set_peak_bytes(400);
  report.set_other_bytes(50);
  report.set_ran_out_row_count(4);
  const batching::BatchMemory memory = FromProto(report);
  EXPECT_EQ(memory.rows, 3);
  EXPECT_EQ(memory.peak_bytes, 400);
  EXPECT_EQ(memory.other_bytes, 50);
  EXPECT_EQ(memory.ran_out_rows, 4);
}

}  // namespace
}  // namespace sheaf::server
