#include "batching/rows/rows.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/batching/builders.h"

namespace sheaf::batching {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(RowsTest, EqualRequestsShareAShapeWhateverTheirSeedAndPrompt) {
  ShapeTable table;
  RunParams a = ParamsOf({});
  RunParams b = a;
  b.seed = 99;
  b.prompt = "another";
  EXPECT_EQ(table.Intern(a), table.Intern(b));
  b.steps = 21;
  EXPECT_NE(table.Intern(a), table.Intern(b));
  EXPECT_EQ(table.shapes(), 2u);
  EXPECT_EQ(table.keys(), 1u);
}

TEST(RowsTest, SignaturesHoldTheControlsWithWeight) {
  ShapeTable table;
  const auto signature_of = [&](std::map<std::string, double> controls) {
    return table
        .shape(table.Intern(ParamsOf({.controls = std::move(controls)})))
        .signature;
  };
  const uint32_t edge = signature_of({{"edge", 0.5}});
  EXPECT_EQ(edge, signature_of({{"edge", 0.9}}));
  EXPECT_EQ(edge, signature_of({{"edge", 0.5}, {"depth", 0.0}}));
  EXPECT_NE(edge, signature_of({{"edge", 0.5}, {"depth", 0.1}}));
  EXPECT_EQ(signature_of({}), signature_of({{"edge", 0.0}}));
}

TEST(RowsTest, TheHashOfAKeyIsTheSameInEveryProcess) {
  ShapeTable first;
  first.Intern(ParamsOf({.model = "other"}));
  first.Intern(ParamsOf({}));
  ShapeTable second;
  second.Intern(ParamsOf({}));
  EXPECT_EQ(first.key(1).hash, second.key(0).hash);
  EXPECT_NE(first.key(0).hash, second.key(0).hash);
  // A fixed value: it changes with the table of hard fields alone.
  EXPECT_EQ(second.key(0).hash, "36c6b945df4afdc5") << second.key(0).text;
}

TEST(RowsTest, GuidedRunsAreTwoRowsOfTheUnet) {
  ShapeTable table;
  const auto width_of = [&](double guidance) {
    return table
        .cost(table.shape(table.Intern(ParamsOf({.guidance = guidance}))).cost)
        .width;
  };
  EXPECT_EQ(width_of(7.5), 2);
  EXPECT_EQ(width_of(1.0), 1);
  EXPECT_EQ(width_of(0.0), 1);
}

TEST(RowsTest, StrengthShortensARunThatStartsFromAPicture) {
  ShapeTable table;
  RunParams params = ParamsOf({.steps = 20});
  params.strength = 0.5;
  const auto steps = [&] {
    return table.cost(table.shape(table.Intern(params)).cost).steps;
  };
  EXPECT_EQ(steps(), 20);
  params.init_image = "digest";
  EXPECT_EQ(steps(), 10);
  params.strength = 0.0;
  EXPECT_EQ(steps(), 1);
}

TEST(RowsTest, ControlsAreLiveWithinTheirWindow) {
  for (const int steps : {1, 7, 20, 25, 30, 40}) {
    for (const double start : {0.0, 0.25, 0.6}) {
      for (const double end : {0.3, 0.6, 1.0}) {
        const ControlSpan span = SpanOf(3, steps, start, end);
        for (int i = 0; i < steps; ++i) {
          const double n = steps;
          const bool live = !(i / n < start || (i + 1) / n > end);
          EXPECT_EQ(live, span.first <= i && i < span.last)
              << steps << " " << start << " " << end << " " << i;
        }
      }
    }
  }
}

TEST(RowsTest, WhatCannotBeBatchedIsCountedByReason) {
  RowSet set;
  const absl::Time now = absl::FromUnixSeconds(100);
  sheaf::Run run;
  run.id = RunId(JobId{1}, 0);
  run.run_time = now;
  const RunParams params = ParamsOf({});
  set.Add(run, "inference", "", params, now);
  set.Add(run, "batch_inference", "", params, now);
  set.Add(run, "upscale", "", params, now);
  set.Add(run, "enhancement", "", params, now);
  sheaf::Run alone = run;
  alone.alone = true;
  set.Add(alone, "inference", "", params, now);
  sheaf::Run later = run;
  later.run_time = now + absl::Seconds(1);
  set.Add(later, "inference", "", params, now);
  sheaf::Run running = run;
  running.state = RunState::kRunning;
  set.Add(running, "inference", "", params, now);
  EXPECT_EQ(set.rows.size(), 2u);
  EXPECT_THAT(
      set.unplanned,
      ElementsAre(Pair(Unplanned::kKind, 2), Pair(Unplanned::kNotQueued, 1),
                  Pair(Unplanned::kScheduled, 1), Pair(Unplanned::kAlone, 1)));
}

TEST(RowsTest, MoreNamesOfControlsThanCanBeToldApartAreLeftOut) {
  RowSet set;
  const absl::Time now = absl::FromUnixSeconds(1000);
  RunParams params;
  for (size_t i = 0; i <= ShapeTable::kControlsMax; ++i) {
    params.weights = {{"c" + std::to_string(i), 1.0}};
    sheaf::Run run;
    run.id = RunId(static_cast<int64_t>(i) + 1);
    run.run_time = now;
    set.Add(run, "inference", "", params, now);
  }
  EXPECT_EQ(set.rows.size(), ShapeTable::kControlsMax);
  EXPECT_THAT(set.unplanned, ElementsAre(Pair(Unplanned::kTooVarious, 1)));
}

TEST(RowsTest, SortedRowsStandInFifoOrder) {
  const RowSet set =
      MakeRows({{.job = 1, .time_ms = 5},
                {.job = 2, .time_ms = 3},
                {.job = 3, .priority = Priority::kHigh, .time_ms = 9},
                {.job = 4, .time_ms = 3}});
  std::vector<int64_t> jobs;
  for (const Row& row : set.rows) jobs.push_back(row.job().value);
  EXPECT_THAT(jobs, ElementsAre(3, 2, 4, 1));
}

}  // namespace
}  // namespace sheaf::batching
