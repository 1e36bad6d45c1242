#include "server/wire/job_answers.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert.h"
#include "server/wire/page_token.h"

namespace sheaf::server {
namespace {

using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

RunDetails DetailsOf(int index) {
  RunDetails details;
  details.run.id = RunId(JobId{42}, index);
  details.params.prompt = "a fox";
  return details;
}

TEST(JobAnswersTest, ARehearsedJobHasNoName) {
  Submitted submitted;
  submitted.job.queue = "night";
  pb::SubmitJobResponse response;
  ToProto(submitted, &response);
  EXPECT_EQ(response.job().name(), "");
  EXPECT_EQ(response.job().queue(), "queues/night");
  submitted.job.id = JobId{42};
  submitted.replayed = true;
  ToProto(submitted, &response);
  EXPECT_EQ(response.job().name(), "jobs/42");
  EXPECT_TRUE(response.replayed());
}

TEST(JobAnswersTest, ACancelCountsJobsAndRuns) {
  pb::CancelJobResponse response;
  ToProto(CancelCounts{.jobs = 1, .cancelled = 2, .stopping = 3}, &response);
  EXPECT_EQ(response.job_count(), 1);
  EXPECT_EQ(response.cancelled_run_count(), 2);
  EXPECT_EQ(response.stopping_run_count(), 3);
}

TEST(JobAnswersTest, OnlyAFullJobShowsItsRuns) {
  JobDetails details;
  details.job.id = JobId{42};
  details.shared.model = "sd15";
  details.runs = {DetailsOf(0), DetailsOf(1)};
  pb::Job basic;
  ToProto(details, &basic);
  EXPECT_EQ(basic.name(), "jobs/42");
  EXPECT_FALSE(basic.has_shared());
  EXPECT_THAT(basic.runs(), SizeIs(0));
  details.is_full = true;
  pb::Job full;
  ToProto(details, &full);
  EXPECT_EQ(full.shared().model(), "sd15");
  ASSERT_THAT(full.runs(), SizeIs(2));
  EXPECT_EQ(full.runs(1).name(), "jobs/42/runs/1");
}

TEST(JobAnswersTest, RunsThatWereCancelledSayNothingOfSuccess) {
  Job job{.counts = {.queued = 9, .cancelled = 5}};
  pb::Job none;
  ToProto(job, &none);
  EXPECT_FALSE(none.has_success_ratio());
  job.counts.succeeded = 7;
  job.counts.failed = 1;
  pb::Job some;
  ToProto(job, &some);
  EXPECT_DOUBLE_EQ(some.success_ratio(), 0.875);
}

TEST(JobAnswersTest, APlaceInLineIsShownWhereItIsKnown) {
  JobDetails details;
  pb::Job job;
  ToProto(details, &job);
  EXPECT_FALSE(job.has_position());
  EXPECT_FALSE(job.has_eta());
  EXPECT_FALSE(job.has_eta_per_run());
  details.position = 0;
  details.per_run = absl::Seconds(2);
  details.eta = kNow;
  ToProto(details, &job);
  EXPECT_TRUE(job.has_position()) << "the first in line has a place, too";
  EXPECT_EQ(FromProto(job.eta_per_run()), absl::Seconds(2));
  EXPECT_EQ(FromProto(job.eta()), kNow);
}

TEST(JobAnswersTest, ARunShowsAttemptsOnlyWhereTheyWereAskedFor) {
  RunDetails details = DetailsOf(3);
  details.attempts = {{.run = details.run.id, .attempt = 1}};
  pb::Run list;
  ToProto(details, &list);
  EXPECT_EQ(list.request().prompt(), "a fox");
  EXPECT_THAT(list.attempts(), SizeIs(0));
  EXPECT_FALSE(list.has_progress());
  EXPECT_EQ(list.plan_batch(), "");
  details.has_attempts = true;
  details.progress = StepProgress{.step = 6,
                                  .step_count = 20,
                                  .batch = {.id = BatchId{7},
                                            .running = 2,
                                            .succeeded = 3,
                                            .failed = 1,
                                            .memory_bytes = 5000}};
  details.planned = PlanBatch{.plan = PlanId{5}, .number = 2};
  pb::Run one;
  ToProto(details, &one);
  EXPECT_THAT(one.attempts(), SizeIs(1));
  EXPECT_EQ(one.progress().step(), 6);
  const pb::BatchProgress& batch = one.progress().batch();
  EXPECT_EQ(batch.name(), "batches/7");
  EXPECT_EQ(batch.running_run_count(), 2);
  EXPECT_EQ(batch.succeeded_run_count(), 3);
  EXPECT_EQ(batch.failed_run_count(), 1);
  EXPECT_EQ(batch.memory_bytes(), 5000);
  EXPECT_EQ(one.plan_batch(), NameOf(*details.planned));
}

TEST(JobAnswersTest, APreviewIsThePictureAfterAStep) {
  pb::Preview preview;
  ToProto(RunPreview{.step = 6,
                     .png = std::make_shared<const std::string>("picture"),
                     .time = kNow},
          &preview);
  EXPECT_EQ(preview.step(), 6);
  EXPECT_EQ(preview.image(), "picture");
  EXPECT_EQ(FromProto(preview.update_time()), kNow);
}

TEST(JobAnswersTest, AListGoesOnByATokenOfItsOwnQuestion) {
  JobPage page;
  page.jobs.resize(2);
  pb::ListJobsResponse last;
  ToProto(page, "all", &last);
  EXPECT_THAT(last.jobs(), SizeIs(2));
  EXPECT_EQ(last.next_page_token(), "");
  page.next = JobId{42};
  pb::ListJobsResponse first;
  ToProto(page, "all", &first);
  EXPECT_EQ(PageBegin("all", first.next_page_token()).value(), 42);
  EXPECT_FALSE(PageBegin("others", first.next_page_token()).ok());
}

TEST(JobAnswersTest, AListOfRunsGoesOnAfterItsLastRun) {
  RunPage page;
  page.runs = {DetailsOf(0)};
  page.next = RunId(JobId{42}, 0);
  pb::ListRunsResponse response;
  ToProto(page, "all", &response);
  EXPECT_THAT(response.runs(), SizeIs(1));
  EXPECT_EQ(PageBegin("all", response.next_page_token()).value(),
            page.next->value);
}

}  // namespace
}  // namespace sheaf::server
