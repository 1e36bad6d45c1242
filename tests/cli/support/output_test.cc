#include "cli/support/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/commands/job/job_commands.h"
#include "cli/support/flag_values.h"
#include "cli/support/progress_bar.h"
#include "cli/support/text.h"
#include "google/protobuf/util/json_util.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

v1::Job MakeJob(const std::string& name) {
  v1::Job job;
  job.set_name(name);
  job.set_state(v1::JOB_STATE_RUNNING);
  job.set_queue("queues/default");
  job.set_kind("inference");
  job.set_run_count(8);
  job.mutable_run_counts()->set_succeeded(3);
  *job.mutable_create_time() = ToProto(kNow - absl::Minutes(5));
  (*job.mutable_labels())["team"] = "art";
  (*job.mutable_labels())["set"] = "b";
  return job;
}

std::string Listed(Format format, bool color = false) {
  v1::ListJobsResponse jobs;
  *jobs.add_jobs() = MakeJob("jobs/7");
  *jobs.add_jobs() = MakeJob("jobs/1234");
  std::ostringstream out;
  Printer(&out, {format, color, kNow}).List(jobs, "jobs", JobColumns());
  return out.str();
}

TEST(OutputTest, TableAlignsItsColumnsAndNeverEndsLinesInBlanks) {
  EXPECT_EQ(Listed(Format::kTable),
            "NAME       STATE    QUEUE           KIND       PRIORITY  DONE  "
            "OWNER  AGE\n"
            "jobs/7     running  queues/default  inference  -         3/8   "
            "-      5m\n"
            "jobs/1234  running  queues/default  inference  -         3/8   "
            "-      5m\n");
}

TEST(OutputTest, WideTableHasMoreColumns) {
  EXPECT_THAT(Listed(Format::kWide), HasSubstr("set=b,team=art"));
}

TEST(OutputTest, JsonIsTheApisOwn) {
  EXPECT_THAT(Listed(Format::kJson), HasSubstr("\"runCount\": 8"));
  EXPECT_THAT(Listed(Format::kJson), HasSubstr("\"JOB_STATE_RUNNING\""));
  const std::string lines = Listed(Format::kJsonl);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
}

TEST(OutputTest, NamesStandAloneForScripts) {
  EXPECT_EQ(Listed(Format::kName), "jobs/7\njobs/1234\n");
}

TEST(OutputTest, ColorsOnlyOnRequest) {
  EXPECT_THAT(Listed(Format::kTable, false), Not(HasSubstr("\033")));
  EXPECT_THAT(Listed(Format::kTable, true),
              HasSubstr("\033[36mrunning\033[0m"));
}

TEST(OutputTest, OneThingIsAListOfWhatItHas) {
  std::ostringstream out;
  Printer(&out, {Format::kTable, false, kNow})
      .One(MakeJob("jobs/7"), JobColumns());
  EXPECT_THAT(out.str(), HasSubstr("STATE       running\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("OWNER")));
}

TEST(OutputTest, TextFromOthersCannotSteerTheTerminal) {
  v1::Job job = MakeJob("jobs/7");
  job.set_owner("\033]0;x\007\nb\xff\u202e");
  std::ostringstream out;
  Printer(&out, {Format::kTable, false, kNow}).One(job, JobColumns());
  EXPECT_THAT(out.str(), HasSubstr("\\x1b]0;x\\x07\\nb\\xff\\xe2\\x80\\xae"));
}

TEST(OutputTest, MarksThatReorderOrHideAreShownInEveryFormat) {
  const char* const marks[] = {"\u200f", "\u061c", "\u2066",    "\u202e",
                               "\u009b", "\u200b", "\U000E0041"};
  std::string all = "a";
  for (const char* mark : marks) all += mark;
  v1::ListJobsResponse jobs;
  v1::Job& job = *jobs.add_jobs();
  job = MakeJob("jobs/7" + all);
  job.set_owner(all);
  (*job.mutable_labels())["team"] = all;
  for (const Format format : {Format::kTable, Format::kWide, Format::kJson,
                              Format::kJsonl, Format::kName}) {
    std::ostringstream out;
    Printer(&out, {format, false, kNow}).List(jobs, "jobs", JobColumns());
    for (const char* mark : marks) {
      EXPECT_THAT(out.str(), Not(HasSubstr(mark)));
    }
  }
  std::ostringstream out;
  Printer(&out, {Format::kJsonl, false, kNow}).One(job, JobColumns());
  v1::Job read;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(out.str(), &read).ok());
  EXPECT_EQ(read.owner(), all);
}

TEST(OutputTest, AgesAndBytesReadWell) {
  EXPECT_EQ(AgeText(kNow - absl::Seconds(42), kNow), "42s");
  EXPECT_EQ(AgeText(kNow - absl::Hours(3), kNow), "3h");
  EXPECT_EQ(AgeText(kNow - absl::Hours(24 * 7), kNow), "7d");
  EXPECT_EQ(AgeText(kNow + absl::Minutes(5), kNow), "in 5m");
  EXPECT_EQ(BytesText(12), "12 B");
  EXPECT_EQ(BytesText(1536 << 10), "1.5 MiB");
}

TEST(TextTest, WidthCountsWhatATerminalShows) {
  EXPECT_EQ(DisplayWidth("fox"), 3);
  EXPECT_EQ(DisplayWidth("Füchse"), 6);
  EXPECT_EQ(DisplayWidth("狐"), 2);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
}

TEST(ProgressBarTest, LineShowsTheShareAndFitsTheTerminal) {
  EXPECT_EQ(ProgressLine(0.5, "4/8 runs", 80),
            "[############------------]  50% 4/8 runs");
  EXPECT_LT(DisplayWidth(ProgressLine(2.0, "狐狐狐狐狐狐", 26)), 26);
}

TEST(ProgressBarTest, TheBarMakesRoomForTheText) {
  EXPECT_EQ(ProgressLine(0.5, "0123456789012345", 36),
            "[#####------]  50% 0123456789012345");
  EXPECT_EQ(ProgressLine(0.5, "0123456789", 20), "[####----]  50% 012");
}

TEST(ProgressBarTest, DrawsNothingWithoutATerminalAndClearsAfterItself) {
  ProgressBar(nullptr).Draw(0.5, "x", kNow);
  std::ostringstream terminal;
  {
    ProgressBar bar(&terminal);
    bar.Draw(0.25, "x", kNow);
    bar.Draw(0.30, "too soon", kNow + absl::Milliseconds(1));
  }
  EXPECT_THAT(terminal.str(), Not(HasSubstr("too soon")));
  EXPECT_TRUE(terminal.str().ends_with("\r\033[K"));
}

}  // namespace
}  // namespace sheaf::cli
