// BatchingService, called as clients call it.
#include "server/handlers/batching_handler.h"

#include "sheaf/v1/job_service.grpc.pb.h"
#include "sheaf/v1/queue_service.grpc.pb.h"
#include "sheaf/v1/worker_service.grpc.pb.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

using ::testing::HasSubstr;
using Stub = pb::BatchingService::Stub;

class BatchingHandlerTest : public RunningServer {
 protected:
  BatchingHandlerTest() {
    Start();
    pb::PauseQueueRequest pause;
    pause.set_name("queues/default");
    pb::Queue queue;
    EXPECT_TRUE(Call<pb::QueueService>(&pb::QueueService::Stub::PauseQueue,
                                       pause, &queue)
                    .ok());
  }

  template <class Method, class Request, class Response>
  grpc::Status Ask(Method method, const Request& request, Response* response) {
    return Call<pb::BatchingService>(method, request, response);
  }
  void Submit(int runs, int width) {
    pb::SubmitJobRequest request;
    request.mutable_job()->mutable_shared()->set_width(width);
    request.mutable_job()->mutable_shared()->set_model("sd15");
    for (int i = 0; i < runs; ++i) {
      (*request.mutable_job()->add_runs()->mutable_weights())["depth"] = i + 1;
    }
    pb::SubmitJobResponse response;
    EXPECT_TRUE(Call<pb::JobService>(&pb::JobService::Stub::SubmitJob, request,
                                     &response)
                    .ok());
  }
  std::string Analyze() {
    pb::AnalyzeQueueRequest request;
    request.set_queue("queues/default");
    pb::AnalyzeQueueResponse response;
    EXPECT_TRUE(Ask(&Stub::AnalyzeQueue, request, &response).ok());
    message_ = response.message();
    return response.plan().name();
  }

  std::string message_;
};

TEST_F(BatchingHandlerTest, AnEmptyQueueHasNoPlan) {
  EXPECT_EQ(Analyze(), "");
  EXPECT_THAT(message_, HasSubstr("No batchable jobs found"));
}

TEST_F(BatchingHandlerTest, APlanIsAnalyzedReadExecutedAndUndone) {
  Submit(4, 512);
  const std::string name = Analyze();
  ASSERT_EQ(name, "plans/1");
  pb::GetPlanRequest get;
  get.set_name(name);
  pb::Plan plan;
  ASSERT_TRUE(Ask(&Stub::GetPlan, get, &plan).ok());
  EXPECT_EQ(plan.run_count(), 4);
  EXPECT_EQ(plan.state(), pb::PLAN_STATE_READY);
  pb::ListPlansRequest list;
  list.set_queue("queues/default");
  pb::ListPlansResponse plans;
  ASSERT_TRUE(Ask(&Stub::ListPlans, list, &plans).ok());
  EXPECT_EQ(plans.plans_size(), 1);
  pb::ExecutePlanRequest execute;
  execute.set_name(name);
  pb::ExecutePlanResponse executed;
  ASSERT_TRUE(Ask(&Stub::ExecutePlan, execute, &executed).ok());
  EXPECT_THAT(executed.message(),
              HasSubstr("Queue reorganized successfully. 1 job → "));
  pb::UndoPlanRequest undo;
  undo.set_name(name);
  ASSERT_TRUE(Ask(&Stub::UndoPlan, undo, &plan).ok());
  EXPECT_EQ(plan.state(), pb::PLAN_STATE_UNDONE);
}

TEST_F(BatchingHandlerTest, BatchesOfAPlanComeInPagesWithTheirWeights) {
  Submit(2, 512);
  Submit(2, 768);
  pb::ListPlanBatchesRequest request;
  request.set_plan(Analyze());
  request.set_page_size(1);
  int runs = 0;
  do {
    pb::ListPlanBatchesResponse page;
    ASSERT_TRUE(Ask(&Stub::ListPlanBatches, request, &page).ok());
    for (const pb::PlanBatch& batch : page.batches()) {
      runs += batch.runs_size();
      ASSERT_EQ(batch.weights_list_size(), batch.runs_size());
      EXPECT_EQ(batch.weights_list(0).weights().count("depth"), 1);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(runs, 4);
}

TEST_F(BatchingHandlerTest, AnExecuteNamesAPlanOrAQueue) {
  pb::ExecutePlanResponse executed;
  EXPECT_EQ(
      ReasonOf(Ask(&Stub::ExecutePlan, pb::ExecutePlanRequest(), &executed)),
      "INVALID_FIELD");
}

TEST_F(BatchingHandlerTest, TheFieldThatKeepsRunsApartIsExplained) {
  Submit(1, 512);
  Submit(1, 768);
  pb::ExplainRunRequest request;
  request.set_run("jobs/1/runs/0");
  request.set_other("jobs/2/runs/0");
  pb::ExplainRunResponse response;
  ASSERT_TRUE(Ask(&Stub::ExplainRun, request, &response).ok());
  EXPECT_FALSE(response.mixed());
  EXPECT_THAT(response.text(), HasSubstr("width"));
  request.set_other("jobs/2/runs/9");
  EXPECT_EQ(ReasonOf(Ask(&Stub::ExplainRun, request, &response)),
            "RUN_NOT_FOUND");
}

// Two jobs that ask for the same, one of which leaves it to the model.
class SpelledOutTest : public BatchingHandlerTest {
 protected:
  SpelledOutTest() {
    hello_.set_display_name("box");
    hello_.add_models("sd15");
    pb::CatalogModel* model = hello_.mutable_catalog()->add_models();
    model->set_name("sd15");
    model->set_is_default(true);
    model->mutable_defaults()->set_width(512);
    model->mutable_defaults()->set_steps(20);
    Submit(1, 512);
    pb::SubmitJobRequest request;
    (*request.mutable_job()->add_runs()->mutable_weights())["depth"] = 1;
    pb::SubmitJobResponse response;
    EXPECT_TRUE(Call<pb::JobService>(&pb::JobService::Stub::SubmitJob, request,
                                     &response)
                    .ok());
  }
  ~SpelledOutTest() override { Leave(); }
  // The worker comes. Answers once the server knows it.
  void Register() {
    const auto stub = pb::WorkerService::NewStub(channel_);
    context_ = std::make_unique<grpc::ClientContext>();
    stream_ = stub->RegisterWorker(context_.get(), hello_);
    pb::WorkerSignal hello;
    ASSERT_TRUE(stream_->Read(&hello));
  }
  void Leave() {
    if (stream_ == nullptr) return;
    context_->TryCancel();
    stream_->Finish();
    stream_.reset();
  }
  pb::ExplainRunResponse Explain() {
    pb::ExplainRunRequest request;
    request.set_run("jobs/1/runs/0");
    request.set_other("jobs/2/runs/0");
    pb::ExplainRunResponse response;
    EXPECT_TRUE(Ask(&Stub::ExplainRun, request, &response).ok());
    return response;
  }

  pb::RegisterWorkerRequest hello_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<pb::WorkerSignal>> stream_;
};

TEST_F(SpelledOutTest, AbsentAndSpelledOutDefaultsAreTheSame) {
  EXPECT_FALSE(Explain().mixed()) << "nobody knows the defaults";
  Register();
  EXPECT_TRUE(Explain().mixed()) << Explain().text();
  EXPECT_TRUE(Explain().strict()) << Explain().text();
}

TEST_F(SpelledOutTest, AModelThatTakesOneRunAtATimeIsExplained) {
  hello_.mutable_catalog()->mutable_models(0)->set_batching(
      pb::BATCH_CAPABILITY_ONE_BY_ONE);
  Register();
  EXPECT_FALSE(Explain().mixed());
}

TEST_F(BatchingHandlerTest, ForgettingNamesOneThingOrAll) {
  pb::ForgetLearnedRequest request;
  pb::ForgetLearnedResponse response;
  EXPECT_EQ(ReasonOf(Ask(&Stub::ForgetLearned, request, &response)),
            "INVALID_FIELD");
  request.set_all(true);
  ASSERT_TRUE(Ask(&Stub::ForgetLearned, request, &response).ok());
  EXPECT_EQ(log_->With("forgot learned figures").size(), 1);
  pb::BatchProfile profile;
  ASSERT_TRUE(
      Ask(&Stub::GetBatchProfile, pb::GetBatchProfileRequest(), &profile).ok());
  EXPECT_EQ(profile.calibrations_size(), 0);
}

}  // namespace
}  // namespace sheaf::server
