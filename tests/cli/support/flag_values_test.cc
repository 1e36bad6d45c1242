#include "cli/support/flag_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf::cli {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

TEST(NamesTest, ShortAndFullNamesMeanTheSame) {
  EXPECT_EQ(*JobName("42"), "jobs/42");
  EXPECT_EQ(*JobName("jobs/42"), "jobs/42");
  EXPECT_EQ(*JobOrRunName("42/runs/0"), "jobs/42/runs/0");
  EXPECT_EQ(*QueueName("default"), "queues/default");
  EXPECT_EQ(*QueueName("queues/default"), "queues/default");
  EXPECT_EQ(*WorkerName("3"), "workers/3");
  const std::string hex(64, 'a');
  EXPECT_EQ(*ArtifactName(hex), "artifacts/" + hex);
}

TEST(NamesTest, WhatIsNoNameIsRefused) {
  for (const char* text : {"", "jobs/", "x", "-1", "42/", "jobs/jobs/4",
                           "1234567890123456789", "42\n"}) {
    EXPECT_FALSE(JobName(text).ok()) << text;
  }
  EXPECT_FALSE(JobName("42/runs/0").ok());
  EXPECT_FALSE(QueueName("Default").ok());
  EXPECT_FALSE(QueueName("../x").ok());
  EXPECT_FALSE(ArtifactName("abc").ok());
}

TEST(TimesTest, AreNowOrAheadOrRfc3339) {
  EXPECT_EQ(*ParseTime("now", kNow), kNow);
  EXPECT_EQ(*ParseTime("+5m", kNow), kNow + absl::Minutes(5));
  EXPECT_EQ(*ParseTime("+2d", kNow), kNow + absl::Hours(48));
  EXPECT_EQ(*ParseTime("2027-01-15T08:00:00Z", kNow), kNow);
  EXPECT_EQ(*ParseTime("2027-01-15T09:00:00+01:00", kNow), kNow);
  for (const char* text : {"", "+", "+5", "-5m", "tomorrow", "2027-01-15",
                           "infinite-future", "+inf"}) {
    EXPECT_FALSE(ParseTime(text, kNow).ok()) << text;
  }
}

TEST(TimesTest, SurviveTheWire) {
  for (const absl::Time time :
       {kNow + absl::Nanoseconds(7), absl::FromUnixMillis(-1500)}) {
    EXPECT_EQ(FromProto(ToProto(time)), time);
    EXPECT_GE(ToProto(time).nanos(), 0);
  }
  EXPECT_EQ(FromProto(ToProto(absl::Milliseconds(1500))),
            absl::Milliseconds(1500));
}

TEST(ControlTest, PartsMayBeLeftOff) {
  EXPECT_FALSE(ParseControl("depth")->has_weight());
  EXPECT_EQ(ParseControl("depth:0.5")->weight(), 0.5);
  const auto full = ParseControl("depth:0.5:a:b.png:0.1:0.9");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->image(), "a:b.png");
  EXPECT_EQ(full->start(), 0.1);
  EXPECT_EQ(full->end(), 0.9);
  const auto no_weight = ParseControl("depth::x.png");
  ASSERT_TRUE(no_weight.ok());
  EXPECT_FALSE(no_weight->has_weight());
  EXPECT_EQ(no_weight->image(), "x.png");
  EXPECT_EQ(no_weight->preprocess(), "");
  const auto made = ParseControl("edge=canny(low=50,high=150):0.8:a.png:0:0.5");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->type(), "edge");
  EXPECT_EQ(made->preprocess(), "canny(low=50,high=150)");
  EXPECT_EQ(made->weight(), 0.8);
  EXPECT_EQ(made->image(), "a.png");
  EXPECT_EQ(made->end(), 0.5);
  EXPECT_EQ(ParseControl("edge=blur")->preprocess(), "blur");
  EXPECT_EQ(ParseControl("edge::a=b.png")->image(), "a=b.png");
  EXPECT_FALSE(ParseControl("edge=:1").ok());
  EXPECT_FALSE(ParseControl("=canny").ok());
  EXPECT_FALSE(ParseControl(":1").ok());
  EXPECT_FALSE(ParseControl("depth:strong").ok());
}

TEST(SweepTest, IsARangeOrAList) {
  const auto range = ParseSweepAxis("seed=1..8");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->range().from(), 1);
  EXPECT_EQ(range->range().to(), 8);
  EXPECT_FALSE(range->range().has_step());
  EXPECT_EQ(ParseSweepAxis("guidance=5..9..0.5")->range().step(), 0.5);
  const auto list = ParseSweepAxis("guidance=5,7.5,9");
  EXPECT_THAT(list->values(), testing::ElementsAre("5", "7.5", "9"));
  EXPECT_EQ(ParseSweepAxis("prompt=well.. a fox")->values(0), "well.. a fox");
  EXPECT_FALSE(ParseSweepAxis("seed").ok());
  EXPECT_FALSE(ParseSweepAxis("seed=1..x").ok());
  EXPECT_FALSE(ParseSweepAxis("seed=1..2..3..4").ok());
}

}  // namespace
}  // namespace sheaf::cli
