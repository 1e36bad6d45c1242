// JobService, called as clients call it.
#include "server/handlers/jobs_handler.h"

#include <set>
#include <thread>

#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Stub = pb::JobService::Stub;

class JobsHandlerTest : public RunningServer {
 protected:
  JobsHandlerTest() { Start(); }

  template <class Method, class Request, class Response>
  grpc::Status Ask(Method method, const Request& request, Response* response) {
    return Call<pb::JobService>(method, request, response);
  }
  // Submits a job and answers its name.
  std::string Submit(int runs, const std::string& owner = "ann") {
    pb::SubmitJobRequest request;
    request.mutable_job()->set_owner(owner);
    for (int i = 0; i < runs; ++i) {
      request.mutable_job()->add_runs()->set_prompt("a fox");
    }
    pb::SubmitJobResponse response;
    EXPECT_TRUE(Ask(&Stub::SubmitJob, request, &response).ok());
    return response.job().name();
  }
  pb::Job Get(const std::string& name, pb::JobView view = pb::JOB_VIEW_BASIC) {
    pb::GetJobRequest request;
    request.set_name(name);
    request.set_view(view);
    pb::Job job;
    EXPECT_TRUE(Ask(&Stub::GetJob, request, &job).ok());
    return job;
  }
  grpc::Status Cancel(const pb::CancelJobRequest& request) {
    return Ask(&Stub::CancelJob, request, &cancelled_);
  }

  pb::CancelJobResponse cancelled_;
};

TEST_F(JobsHandlerTest, AJobIsReadAsItWasSubmitted) {
  const std::string name = Submit(3);
  EXPECT_EQ(name, "jobs/1");
  EXPECT_EQ(Get(name).runs_size(), 0);
  const pb::Job full = Get(name, pb::JOB_VIEW_FULL);
  ASSERT_EQ(full.runs_size(), 3);
  EXPECT_EQ(full.runs(2).name(), "jobs/1/runs/2");
  EXPECT_EQ(full.runs(2).request().prompt(), "a fox");
  EXPECT_EQ(full.position(), 0);
}

TEST_F(JobsHandlerTest, ARehearsalHasNoNameAndStoresNothing) {
  pb::SubmitJobRequest request;
  request.set_validate_only(true);
  request.mutable_job()->mutable_shared()->set_prompt("a fox");
  pb::SubmitJobResponse response;
  ASSERT_TRUE(Ask(&Stub::SubmitJob, request, &response).ok());
  EXPECT_EQ(response.job().name(), "");
  EXPECT_EQ(Submit(1), "jobs/1");
}

TEST_F(JobsHandlerTest, PagesOfAListHaveEachJobOnce) {
  std::set<std::string> submitted;
  for (int i = 0; i < 5; ++i) submitted.insert(Submit(1));
  pb::ListJobsRequest request;
  request.set_page_size(2);
  std::set<std::string> listed;
  int pages = 0;
  do {
    pb::ListJobsResponse page;
    ASSERT_TRUE(Ask(&Stub::ListJobs, request, &page).ok());
    for (const pb::Job& job : page.jobs()) {
      EXPECT_TRUE(listed.insert(job.name()).second) << job.name();
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, submitted);
  EXPECT_EQ(pages, 3);
}

TEST_F(JobsHandlerTest, ATokenOfAnotherListIsRefused) {
  for (int i = 0; i < 2; ++i) Submit(1);
  pb::ListJobsRequest request;
  request.set_page_size(1);
  pb::ListJobsResponse page;
  ASSERT_TRUE(Ask(&Stub::ListJobs, request, &page).ok());
  request.set_page_token(page.next_page_token());
  request.set_filter("owner = \"bob\"");
  EXPECT_EQ(ReasonOf(Ask(&Stub::ListJobs, request, &page)), "BAD_PAGE_TOKEN");
}

TEST_F(JobsHandlerTest, AnOrderThatThereIsNotIsRefused) {
  pb::ListJobsRequest request;
  request.set_order_by("owner");
  pb::ListJobsResponse page;
  const grpc::Status status = Ask(&Stub::ListJobs, request, &page);
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("create_time desc"));
}

TEST_F(JobsHandlerTest, RunsAreListedByState) {
  const std::string name = Submit(3);
  pb::CancelJobRequest cancel;
  cancel.set_name(name + "/runs/1");
  ASSERT_TRUE(Cancel(cancel).ok());
  pb::ListRunsRequest request;
  request.set_job(name);
  request.add_states(pb::RUN_STATE_CANCELLED);
  pb::ListRunsResponse page;
  ASSERT_TRUE(Ask(&Stub::ListRuns, request, &page).ok());
  ASSERT_EQ(page.runs_size(), 1);
  EXPECT_EQ(page.runs(0).name(), name + "/runs/1");
}

TEST_F(JobsHandlerTest, AFilterCancelsThoseThatMatch) {
  const std::string ann = Submit(2, "ann");
  const std::string bob = Submit(3, "bob");
  pb::CancelJobRequest request;
  request.set_filter("owner = \"bob\"");
  request.set_validate_only(true);
  ASSERT_TRUE(Cancel(request).ok());
  EXPECT_EQ(cancelled_.cancelled_run_count(), 3);
  EXPECT_EQ(Get(bob).state(), pb::JOB_STATE_QUEUED);
  request.set_validate_only(false);
  ASSERT_TRUE(Cancel(request).ok());
  EXPECT_EQ(cancelled_.job_count(), 1);
  EXPECT_EQ(Get(bob).state(), pb::JOB_STATE_CANCELLED);
  EXPECT_EQ(Get(ann).state(), pb::JOB_STATE_QUEUED);
}

TEST_F(JobsHandlerTest, ACancelNamesAJobOrAFilterAndNotBoth) {
  EXPECT_EQ(ReasonOf(Cancel({})), "INVALID_FIELD");
  pb::CancelJobRequest both;
  both.set_name("jobs/1");
  both.set_filter("owner = \"bob\"");
  EXPECT_EQ(ReasonOf(Cancel(both)), "INVALID_FIELD");
}

TEST_F(JobsHandlerTest, ACancelledJobIsRetriedAndDeleted) {
  const std::string name = Submit(2);
  pb::CancelJobRequest cancel;
  cancel.set_name(name);
  ASSERT_TRUE(Cancel(cancel).ok());
  pb::RetryJobRequest retry;
  retry.set_name(name);
  pb::RetryJobResponse retried;
  ASSERT_TRUE(Ask(&Stub::RetryJob, retry, &retried).ok());
  EXPECT_EQ(retried.run_count(), 2);
  EXPECT_EQ(retried.job().state(), pb::JOB_STATE_QUEUED);
  pb::DeleteJobRequest remove;
  remove.set_name(name);
  pb::DeleteJobResponse nothing;
  EXPECT_EQ(ReasonOf(Ask(&Stub::DeleteJob, remove, &nothing)),
            "JOB_NOT_FINISHED");
  ASSERT_TRUE(Cancel(cancel).ok());
  EXPECT_TRUE(Ask(&Stub::DeleteJob, remove, &nothing).ok());
  EXPECT_EQ(ReasonOf(Ask(&Stub::DeleteJob, remove, &nothing)), "JOB_NOT_FOUND");
}

TEST_F(JobsHandlerTest, AWaitEndsWithItsJob) {
  const std::string name = Submit(1);
  pb::WaitJobRequest request;
  request.set_name(name);
  request.mutable_timeout()->set_seconds(30);
  pb::Job job;
  std::thread waiter(
      [&] { EXPECT_TRUE(Ask(&Stub::WaitJob, request, &job).ok()); });
  pb::CancelJobRequest cancel;
  cancel.set_name(name);
  EXPECT_TRUE(Cancel(cancel).ok());
  waiter.join();
  EXPECT_EQ(job.state(), pb::JOB_STATE_CANCELLED);
}

TEST_F(JobsHandlerTest, EventsAreWatchedFromTheFirst) {
  const std::string name = Submit(1);
  pb::WatchEventsRequest request;
  request.set_job(name);
  const auto stub = pb::JobService::NewStub(channel_);
  grpc::ClientContext context;
  const auto reader = stub->WatchEvents(&context, request);
  pb::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.event().job(), name);
  context.TryCancel();
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(JobsHandlerTest, WithoutAPreviewGetPreviewSaysWhy) {
  pb::GetPreviewRequest request;
  request.set_run(Submit(1) + "/runs/0");
  pb::Preview preview;
  const grpc::Status status = Ask(&Stub::GetPreview, request, &preview);
  EXPECT_EQ(ReasonOf(status), "PREVIEW_NOT_FOUND");
  EXPECT_THAT(status.error_message(), HasSubstr("is not running yet"));
}

}  // namespace
}  // namespace sheaf::server
