#include "batching/trace.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/batching/golden.h"

namespace sheaf::batching {
namespace {

using testing::HasSubstr;

constexpr char kHeader[] =
    "arrival_ms,job,run,model,width,height,steps,guidance,sampler,priority,"
    "controls\n";

std::string ErrorOf(const std::string& text) {
  return std::string(ParseTrace(text).status().message());
}

TEST(TraceTest, ReadsTheReferenceTrace) {
  const Trace trace = GoldenTrace();
  EXPECT_EQ(trace.set.rows.size(), 216u);
  EXPECT_EQ(trace.jobs.size(), 60u);
  EXPECT_EQ(trace.jobs[0], "job-000");
  EXPECT_EQ(trace.set.rows[0].time, 1950);
  EXPECT_EQ(trace.set.shapes.keys(), 2u);
}

TEST(TraceTest, ColumnsMayStandInAnyOrderAndBeMissing) {
  const auto trace = ParseTrace(
      "steps,unknown,job,priority,owner,deadline_ms\r\n"
      "30,x,a,high,ann,500\r\n,y,a,,,\r\n20,z,b,low,bob,\r\n");
  ASSERT_TRUE(trace.ok()) << trace.status();
  const auto& rows = trace->set.rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].priority, Priority::kHigh);
  EXPECT_EQ(rows[0].deadline, 500);
  EXPECT_EQ(rows[1].deadline, kNever);
  EXPECT_EQ(rows[1].id().index(), 1);
  EXPECT_EQ(rows[2].job(), JobId{2});
  EXPECT_EQ(trace->set.owners[rows[2].owner], "bob");
}

TEST(TraceTest, OtherKindsAreCountedNotPlanned) {
  const auto trace = ParseTrace("job,kind\na,upscale\nb,inference\n");
  ASSERT_TRUE(trace.ok());
  EXPECT_EQ(trace->set.rows.size(), 1u);
  EXPECT_EQ(trace->set.unplanned.at(Unplanned::kKind), 1);
}

TEST(TraceTest, WhatCannotBeReadIsNamedWithItsLine) {
  const std::string row = "0,a,0,base,512,512,20,7.5,euler,normal,\n";
  EXPECT_THAT(ErrorOf(""), HasSubstr("no runs"));
  EXPECT_THAT(ErrorOf(kHeader), HasSubstr("no runs"));
  EXPECT_THAT(ErrorOf("steps\n20\n"), HasSubstr("line 1: "));
  EXPECT_THAT(ErrorOf(kHeader + row + "0,b\n"), HasSubstr("line 3: not as"));
  EXPECT_THAT(ErrorOf(kHeader + row + row), HasSubstr("named twice"));
  for (const char* broken :
       {"x,a,0,base,512,512,20,7.5,euler,normal,",
        "0,a,0,base,0,512,20,7.5,euler,normal,",
        "0,a,0,base,512,512,0,7.5,euler,normal,",
        "0,a,0,base,512,512,20,inf,euler,normal,",
        "0,a,0,base,512,512,20,7.5,euler,soon,",
        "0,a,200000,base,512,512,20,7.5,euler,normal,",
        "0,,0,base,512,512,20,7.5,euler,normal,",
        "0,a,0,base,512,512,20,7.5,euler,normal,edge:x",
        "0,a,0,base,512,512,20,7.5,euler,normal,edge:1:0:1:2",
        "0,a,0,base,512,512,20,7.5,euler,normal,:1"}) {
    EXPECT_THAT(ErrorOf(std::string(kHeader) + broken + "\n"),
                HasSubstr("line 2: "))
        << broken;
  }
}

}  // namespace
}  // namespace sheaf::batching
