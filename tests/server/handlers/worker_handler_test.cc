// WorkerService, called as workers call it.
#include "server/handlers/worker_handler.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "batching/pricing/profile.h"
#include "sheaf/v1/admin_service.grpc.pb.h"
#include "sheaf/v1/job_service.grpc.pb.h"
#include "sheaf/v1/queue_service.grpc.pb.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using ::testing::ElementsAre;
using Stub = pb::WorkerService::Stub;

// The stream of a worker, which lives as long as the worker does.
class Registered {
 public:
  Registered(const std::shared_ptr<grpc::Channel>& channel,
             const pb::RegisterWorkerRequest& request)
      : stub_(pb::WorkerService::NewStub(channel)),
        reader_(stub_->RegisterWorker(Limited(&context_), request)) {
    if (!reader_->Read(&hello)) End();
  }
  ~Registered() {
    if (!ended_) context_.TryCancel();
    End();
  }

  bool Read(pb::WorkerSignal* signal) { return reader_->Read(signal); }
  // The status with which the stream has ended, or ends now.
  grpc::Status End() {
    pb::WorkerSignal signal;
    while (!ended_ && reader_->Read(&signal)) {
    }
    if (!ended_) status_ = reader_->Finish();
    ended_ = true;
    return status_;
  }

  pb::WorkerSignal hello;

 private:
  // A stream that should have ended fails its test, and does not hang it.
  static grpc::ClientContext* Limited(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(30));
    return context;
  }

  const std::unique_ptr<Stub> stub_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReader<pb::WorkerSignal>> reader_;
  bool ended_ = false;
  grpc::Status status_;
};

class WorkerHandlerTest : public RunningServer {
 protected:
  WorkerHandlerTest() {
    config_.lease_duration = absl::Seconds(42);
    config_.preview_steps = 7;
    config_.checkpoint_steps = 8;
    Start();
    worker_ = Register();
  }
  ~WorkerHandlerTest() override { worker_.reset(); }

  static pb::RegisterWorkerRequest Facts() {
    pb::RegisterWorkerRequest request;
    request.set_display_name("gpu box");
    request.add_models("m");
    request.add_devices()->set_name("gpu");
    request.set_measures(true);
    return request;
  }
  std::unique_ptr<Registered> Register(
      const pb::RegisterWorkerRequest& request = Facts()) {
    return std::make_unique<Registered>(channel_, request);
  }
  template <class Method, class Request, class Response>
  grpc::Status Ask(Method method, const Request& request, Response* response) {
    return Call<pb::WorkerService>(method, request, response);
  }
  std::string Submit(int runs) {
    pb::SubmitJobRequest request;
    for (int i = 0; i < runs; ++i) {
      request.mutable_job()->add_runs()->set_prompt(absl::StrCat("fox ", i));
    }
    pb::SubmitJobResponse response;
    EXPECT_TRUE(Call<pb::JobService>(&pb::JobService::Stub::SubmitJob, request,
                                     &response)
                    .ok());
    return response.job().name();
  }
  pb::Job Get(const std::string& name) {
    pb::GetJobRequest request;
    request.set_name(name);
    pb::Job job;
    EXPECT_TRUE(
        Call<pb::JobService>(&pb::JobService::Stub::GetJob, request, &job)
            .ok());
    return job;
  }
  // The worker's answer to a question for work.
  pb::LeaseBatchResponse Lease() {
    pb::LeaseBatchRequest request;
    request.set_worker(worker_->hello.worker());
    request.set_worker_secret(worker_->hello.secret());
    pb::LeaseBatchResponse response;
    const grpc::Status status = Ask(&Stub::LeaseBatch, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // A request about the batch that its worker may make.
  template <class Request>
  Request About(const pb::LeasedBatch& batch) {
    Request request;
    request.set_worker(worker_->hello.worker());
    request.set_batch(batch.name());
    request.set_epoch(batch.epoch());
    request.set_secret(batch.secret());
    return request;
  }

  // The report that all runs of the batch succeeded.
  pb::FinishRunsRequest Finished(const pb::LeasedBatch& batch) {
    auto finish = About<pb::FinishRunsRequest>(batch);
    for (const pb::LeasedRun& leased : batch.runs()) {
      pb::RunOutcome* outcome = finish.add_outcomes();
      outcome->set_run(leased.run());
      outcome->set_attempt(leased.attempt());
      outcome->mutable_success();
    }
    return finish;
  }

  std::unique_ptr<Registered> worker_;
};

TEST_F(WorkerHandlerTest, AWorkerIsToldItsNameItsSecretAndItsTimes) {
  EXPECT_EQ(worker_->hello.worker(), "workers/1");
  EXPECT_NE(worker_->hello.secret(), "");
  EXPECT_EQ(worker_->hello.lease_duration().seconds(), 42);
  EXPECT_GT(worker_->hello.heartbeat_interval().seconds(), 0);
  EXPECT_TRUE(worker_->hello.calibrate()) << "nobody has measured \"m\"";
  EXPECT_EQ(Register()->hello.worker(), "workers/2");
}

TEST_F(WorkerHandlerTest, AWorkerThatKnowsNoSecretsIsRefused) {
  pb::RegisterWorkerRequest request = Facts();
  request.set_version("0.1.0");
  EXPECT_EQ(ReasonOf(Register(request)->End()), "WORKER_OUTDATED");
}

TEST_F(WorkerHandlerTest, ABatchIsLeasedReportedAndFinished) {
  const std::string job = Submit(2);
  const pb::LeasedBatch batch = Lease().batch();
  ASSERT_EQ(batch.runs_size(), 2);
  EXPECT_EQ(batch.runs(1).run(), job + "/runs/1");
  EXPECT_EQ(batch.runs(1).request().prompt(), "fox 1");
  EXPECT_EQ(batch.runs(1).attempt(), 1);
  EXPECT_EQ(batch.preview_steps(), 7);
  EXPECT_EQ(batch.checkpoint_steps(), 8);

  auto progress = About<pb::ReportProgressRequest>(batch);
  pb::RunStep* step = progress.add_steps();
  step->set_run(job + "/runs/1");
  step->set_step(3);
  step->set_step_count(20);
  pb::ReportProgressResponse orders;
  ASSERT_TRUE(Ask(&Stub::ReportProgress, progress, &orders).ok());
  EXPECT_FALSE(orders.lease_lost());
  EXPECT_TRUE(orders.has_lease_expire_time());
  pb::GetRunRequest get;
  get.set_name(job + "/runs/1");
  pb::Run run;
  ASSERT_TRUE(
      Call<pb::JobService>(&pb::JobService::Stub::GetRun, get, &run).ok());
  EXPECT_EQ(run.progress().step(), 3);

  pb::FinishRunsResponse states;
  ASSERT_TRUE(Ask(&Stub::FinishRuns, Finished(batch), &states).ok());
  EXPECT_THAT(states.states(),
              ElementsAre(pb::RUN_STATE_SUCCEEDED, pb::RUN_STATE_SUCCEEDED));
  EXPECT_EQ(Get(job).state(), pb::JOB_STATE_SUCCEEDED);
}

TEST_F(WorkerHandlerTest, OrdersForRunsComeWithTheAnswerToAReport) {
  const std::string job = Submit(1);
  const pb::LeasedBatch batch = Lease().batch();
  pb::CancelJobRequest cancel;
  cancel.set_name(job);
  pb::CancelJobResponse cancelled;
  ASSERT_TRUE(
      Call<pb::JobService>(&pb::JobService::Stub::CancelJob, cancel, &cancelled)
          .ok());
  pb::ReportProgressResponse orders;
  ASSERT_TRUE(Ask(&Stub::ReportProgress,
                  About<pb::ReportProgressRequest>(batch), &orders)
                  .ok());
  EXPECT_THAT(orders.cancel_runs(), ElementsAre(job + "/runs/0"));
}

TEST_F(WorkerHandlerTest, AReportWithAnothersSecretIsOfALostLease) {
  Submit(1);
  auto report = About<pb::ReportProgressRequest>(Lease().batch());
  report.set_secret("another's secret");
  pb::ReportProgressResponse orders;
  ASSERT_TRUE(Ask(&Stub::ReportProgress, report, &orders).ok());
  EXPECT_TRUE(orders.lease_lost());
}

TEST_F(WorkerHandlerTest, AReleasedLeaseGivesItsRunsBack) {
  const std::string job = Submit(2);
  const auto release = About<pb::ReleaseLeaseRequest>(Lease().batch());
  pb::ReleaseLeaseResponse released;
  ASSERT_TRUE(Ask(&Stub::ReleaseLease, release, &released).ok());
  EXPECT_EQ(released.run_count(), 2);
  EXPECT_EQ(Get(job).state(), pb::JOB_STATE_QUEUED);
  EXPECT_EQ(ReasonOf(Ask(&Stub::ReleaseLease, release, &released)),
            "LEASE_LOST");
}

TEST_F(WorkerHandlerTest, AWorkerThatShowsAnothersSecretIsNotFound) {
  pb::LeaseBatchRequest request;
  request.set_worker(worker_->hello.worker());
  request.set_worker_secret("another's secret");
  pb::LeaseBatchResponse response;
  EXPECT_EQ(ReasonOf(Ask(&Stub::LeaseBatch, request, &response)),
            "WORKER_NOT_FOUND");
}

TEST_F(WorkerHandlerTest, ADrainingWorkerIsToldAndGetsNoWork) {
  Submit(1);
  pb::DrainWorkerRequest drain;
  drain.set_name(worker_->hello.worker());
  pb::Worker drained;
  ASSERT_TRUE(Call<pb::AdminService>(&pb::AdminService::Stub::DrainWorker,
                                     drain, &drained)
                  .ok());
  pb::WorkerSignal signal;
  ASSERT_TRUE(worker_->Read(&signal));
  EXPECT_TRUE(signal.drain());
  EXPECT_EQ(signal.worker(), worker_->hello.worker());
  const pb::LeaseBatchResponse answer = Lease();
  EXPECT_TRUE(answer.drain());
  EXPECT_FALSE(answer.has_batch());
}

TEST_F(WorkerHandlerTest, AProfileIsTakenOnceItFitsItsWorker) {
  batching::Profile profile;
  profile.step = {10, 0, 0};
  pb::ReportProfileRequest request;
  request.set_worker(worker_->hello.worker());
  request.set_worker_secret(worker_->hello.secret());
  request.set_device("tpu");
  request.set_model("m");
  request.set_json(batching::Encode({{"mine", profile}}));
  pb::ReportProfileResponse nothing;
  EXPECT_EQ(ReasonOf(Ask(&Stub::ReportProfile, request, &nothing)),
            "INVALID_FIELD");
  request.set_device("gpu");
  ASSERT_TRUE(Ask(&Stub::ReportProfile, request, &nothing).ok());
  EXPECT_FALSE(Register()->hello.calibrate()) << "\"m\" has been measured";
}

TEST_F(WorkerHandlerTest, TheModelsOfItsCatalogAreOffered) {
  pb::RegisterWorkerRequest hello = Facts();
  pb::CatalogModel* model = hello.mutable_catalog()->add_models();
  model->set_name("m");
  model->mutable_defaults()->set_steps(12);
  const auto second = Register(hello);
  pb::GetCatalogResponse catalog;
  ASSERT_TRUE(Call<pb::AdminService>(&pb::AdminService::Stub::GetCatalog,
                                     pb::GetCatalogRequest(), &catalog)
                  .ok());
  ASSERT_EQ(catalog.models_size(), 1);
  EXPECT_EQ(catalog.models(0).model().name(), "m");
  EXPECT_THAT(catalog.models(0).workers(),
              ElementsAre("workers/1", "workers/2"));
  EXPECT_FALSE(catalog.models(0).model().defaults().has_steps())
      << "the first worker does not tell";
  model->set_name("no/path");
  EXPECT_EQ(ReasonOf(Register(hello)->End()), "INVALID_FIELD");
  model->set_name("m");
  for (int i = 0; i < 4000; ++i) {
    hello.mutable_catalog()->add_models()->set_name(std::string(100, 'a'));
  }
  EXPECT_EQ(ReasonOf(Register(hello)->End()), "INVALID_FIELD");
}

// Workers whose runs take 1000 bytes each, on devices of one name.
class OwnMemoryTest : public WorkerHandlerTest {
 protected:
  OwnMemoryTest() {
    worker_.reset();
    pb::UpdateQueueRequest request;
    request.set_name("queues/default");
    request.mutable_settings()->set_batch_size(16);
    request.mutable_update_mask()->add_paths("batch_size");
    // Runs do not wait for others.
    request.mutable_settings()->set_policy(pb::BATCH_POLICY_OFF);
    request.mutable_update_mask()->add_paths("policy");
    pb::Queue queue;
    EXPECT_TRUE(Call<pb::QueueService>(&pb::QueueService::Stub::UpdateQueue,
                                       request, &queue)
                    .ok());
  }

  // A worker comes, makes a job of 16 runs, and goes. Answers the size of its
  // largest batch.
  int LargestBatch(int64_t memory_bytes, int controls = 0) {
    pb::RegisterWorkerRequest hello;
    hello.set_display_name("box");
    hello.add_devices()->set_name("cpu");
    hello.mutable_devices(0)->set_memory_bytes(memory_bytes);
    worker_ = Register(hello);
    pb::SubmitJobRequest request;
    for (int i = 0; i < controls; ++i) {
      (*request.mutable_job()
            ->mutable_shared()
            ->mutable_weights())[absl::StrCat("control", i)] = 1;
    }
    for (int i = 0; i < 16; ++i)
      request.mutable_job()->add_runs()->set_prompt("x");
    pb::SubmitJobResponse submitted;
    EXPECT_TRUE(Call<pb::JobService>(&pb::JobService::Stub::SubmitJob, request,
                                     &submitted)
                    .ok());
    int largest = 0;
    for (int runs = 0; runs < 16;) {
      const pb::LeasedBatch batch = Lease().batch();
      if (batch.runs().empty()) break;
      runs += batch.runs_size();
      largest = std::max(largest, batch.runs_size());
      pb::FinishRunsRequest finish = Finished(batch);
      const int64_t row_bytes = 1000 * (1 + controls);
      const auto fit = static_cast<int>(memory_bytes / row_bytes);
      const int together = std::min(batch.runs_size(), fit);
      finish.mutable_memory()->set_row_count(together);
      finish.mutable_memory()->set_peak_bytes(together * row_bytes);
      if (batch.runs_size() > fit) {
        finish.mutable_memory()->set_ran_out_row_count(batch.runs_size());
      }
      pb::FinishRunsResponse states;
      EXPECT_TRUE(Ask(&Stub::FinishRuns, finish, &states).ok());
    }
    worker_.reset();
    return largest;
  }
};

TEST_F(OwnMemoryTest, WhatFitsADeviceIsThatDevicesAlone) {
  for (int job = 0; job < 6; ++job) LargestBatch(3000);
  EXPECT_EQ(LargestBatch(3000), 2);
  EXPECT_EQ(LargestBatch(100'000), 16) << "at once";
  EXPECT_EQ(LargestBatch(3000), 2);
}

TEST_F(OwnMemoryTest, RunsWithControlsHaveALimitOfTheirOwn) {
  LargestBatch(20'000);
  for (int job = 0; job < 6; ++job) LargestBatch(20'000, /*controls=*/2);
  EXPECT_EQ(LargestBatch(20'000, 2), 5);
  EXPECT_EQ(LargestBatch(20'000), 16);
}

TEST_F(WorkerHandlerTest, AGoodbyeEndsTheStreamAndHandsBackTheBatch) {
  const std::string job = Submit(1);
  ASSERT_TRUE(Lease().has_batch());
  EXPECT_EQ(Get(job).state(), pb::JOB_STATE_RUNNING);
  pb::DeregisterWorkerRequest request;
  request.set_worker(worker_->hello.worker());
  request.set_worker_secret(worker_->hello.secret());
  pb::DeregisterWorkerResponse nothing;
  ASSERT_TRUE(Ask(&Stub::DeregisterWorker, request, &nothing).ok());
  ASSERT_EQ(Get(job).state(), pb::JOB_STATE_QUEUED);
  EXPECT_TRUE(worker_->End().ok());
  EXPECT_EQ(ReasonOf(Ask(&Stub::DeregisterWorker, request, &nothing)),
            "WORKER_NOT_FOUND");
}

}  // namespace
}  // namespace sheaf::server
