#include "batching/simulate/trace.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "batching/simulate/trace_cell.h"
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

TEST(TraceTest, CellsInQuotesMayHoldCommasAndQuotes) {
  const auto trace =
      ParseTrace("job,sampler,owner\na,\"a \"\"b\"\", c\",\"x,y\"\n");
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(trace->set.owners[trace->set.rows[0].owner], "x,y");
  EXPECT_THAT(ErrorOf("job,owner\na,\"b\n"),
              HasSubstr("line 2: a quoted cell has no closing quote"));
}

TEST(TraceTest, RunsThatDifferInExtraShareNoKey) {
  const auto trace = ParseTrace("job,extra\na,1\nb,1\nc,2\nd,\n");
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(trace->set.shapes.keys(), 3u);
}

template <class T>
std::optional<T> Perhaps(std::mt19937& random, T value) {
  return random() % 4 == 0 ? std::nullopt : std::optional<T>(value);
}

TraceRun RandomRun(std::mt19937& random, int number) {
  const auto number_below = [&](int64_t end) {
    return static_cast<int64_t>(random() % end);
  };
  const double fraction = static_cast<double>(random()) / 4294967296.0;
  TraceRun run;
  run.arrival_ms = number_below(1'000'000);
  run.deadline_ms = Perhaps(random, run.arrival_ms + 1 + number_below(1000));
  run.job = "jobs/" + std::to_string(number / 3);
  run.run = number % 3;
  run.priority = static_cast<Priority>(1 + number_below(4));
  run.owner = number_below(2) == 0 ? "" : "a, \"b\" and c";
  run.kind = number_below(5) == 0 ? "upscale" : "inference";
  RunParams& params = run.params;
  params.model = Perhaps<std::string>(random, "sd15");
  params.vae = Perhaps<std::string>(random, "soft");
  params.sampler = Perhaps<std::string>(random, "DPM++ 2M, \"Karras\"");
  params.width = Perhaps<int64_t>(random, 8 * (1 + number_below(100)));
  params.height = Perhaps<int64_t>(random, 512);
  params.steps = Perhaps<int64_t>(random, 1 + number_below(1000));
  params.guidance = Perhaps(random, 10 * fraction);
  params.seed = Perhaps(random, number_below(int64_t{1} << 31));
  if (number_below(3) == 0) params.extra["extra"] = "7";
  for (const char* type : {"depth", "edge", "pose"}) {
    if (number_below(2) == 0) continue;
    Control& control = params.controls.emplace_back();
    control.type = type;
    control.weight = Perhaps(random, fraction);
    control.start = Perhaps(random, fraction / 2);
    control.end = Perhaps(random, 0.5 + fraction / 2);
  }
  if (number_below(3) == 0) params.weights["edge"] = number_below(2);
  if (number_below(3) == 0) params.weights["seg"] = fraction;
  return run;
}

// A row in words that do not depend on the order of numbers.
std::string Described(const RowSet& set, const Row& row) {
  const Shape& shape = set.shapes.shape(row.shape);
  const CostClass& cost = set.shapes.cost(shape.cost);
  std::string text = absl::StrCat(
      row.time, "|", row.deadline, "|", row.seed, "|", set.owners[row.owner],
      "|", static_cast<int>(row.priority), "|", row.id().index(), "|",
      set.shapes.key(shape.key).text, "|", cost.steps, "|", cost.width);
  for (const ControlSpan& span : cost.controls) {
    absl::StrAppend(&text, "|", set.shapes.control(span.control), " ",
                    span.first, "-", span.last);
  }
  return text;
}

TEST(TraceTest, WhatIsWrittenReadsAsWhatItWas) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  RowSet direct;
  std::string csv = TraceHeader();
  for (int i = 0; i < 600; ++i) {
    const TraceRun line = RandomRun(random, i);
    AppendTraceLine(line, &csv);
    sheaf::Run run;
    run.id = RunId(JobId{i / 3 + 1}, i % 3);
    run.priority = line.priority;
    run.run_time = absl::FromUnixMillis(line.arrival_ms);
    if (line.deadline_ms) {
      run.start_deadline = absl::FromUnixMillis(*line.deadline_ms);
    }
    direct.Add(run, line.kind, line.owner, line.params, absl::InfiniteFuture());
  }
  const auto trace = ParseTrace(csv);
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_EQ(trace->set.unplanned, direct.unplanned);
  ASSERT_EQ(trace->set.rows.size(), direct.rows.size());
  EXPECT_EQ(trace->set.shapes.shapes(), direct.shapes.shapes());
  for (size_t i = 0; i < direct.rows.size(); ++i) {
    EXPECT_EQ(trace->set.rows[i].run, direct.rows[i].run);
    EXPECT_EQ(Described(trace->set, trace->set.rows[i]),
              Described(direct, direct.rows[i]));
  }
}

TEST(TraceTest, NoCellIsAFormulaOrSteersATerminal) {
  for (const std::string text :
       {"=1+1",    "+1",     "-1+2", "@sum(a1)",   "\t=1",       "\r=1",
        "＝1",     "'=1",    "''x",  "a\u009b31m", "\x1b[2J",    "a\u202eb",
        "a\\x3db", "a\\\\b", "\\",   "two\nlines", "a,b;\"=1\"", "\xff",
        " ",       "'",      "x;=1"}) {
    TraceRun run;
    run.job = "jobs/1";
    run.owner = text;
    run.params.sampler = text;
    std::string csv = TraceHeader();
    AppendTraceLine(run, &csv);
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2);
    for (const char* raw : {",=", ",+", ",-", ",@", ",\"=", ",＝", ";=", "\t",
                            "\x1b", "\u009b", "\u202e"}) {
      EXPECT_EQ(csv.find(raw), std::string::npos) << csv;
    }
    const auto trace = ParseTrace(csv);
    ASSERT_TRUE(trace.ok()) << trace.status() << csv;
    EXPECT_EQ(trace->set.owners[trace->set.rows[0].owner], text);
  }
}

TEST(TraceTest, CellsOfOlderTracesReadAsTheyAre) {
  for (const char* text : {"x'y", "'x", "a\\b", "a\\", "C:\\xyz", "=1"}) {
    EXPECT_EQ(TextOfCell(text), text);
  }
}

TEST(TraceTest, NothingThatIsWrittenEndsALineEarly) {
  std::string csv = TraceHeader();
  TraceRun run;
  run.job = "a";
  run.params.sampler = "two\nlines\r\t";
  AppendTraceLine(run, &csv);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2);
  EXPECT_TRUE(ParseTrace(csv).ok());
}

}  // namespace
}  // namespace sheaf::batching
