#include "server/wire/convert_worker.h"

#include <string>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(ConvertWorkerTest, AWorkerTellsItsFactsAndItsFirstDeviceIsItsOwn) {
  pb::RegisterWorkerRequest request;
  request.set_display_name("gpu box");
  request.add_queues("queues/night");
  request.add_kinds("inference");
  request.add_models("m");
  request.set_batch_size_max(7);
  request.set_pixels_max(8);
  request.set_pixel_steps_max(9);
  request.set_version("1.2.3");
  request.set_measures(true);
  for (const int bytes : {1000, 2000}) {
    pb::Device* device = request.add_devices();
    device->set_name("gpu" + std::to_string(bytes));
    device->set_description("a card");
    device->set_memory_bytes(bytes);
    device->set_driver("7");
  }
  const WorkerInfo worker = FromProto(request);
  EXPECT_EQ(worker.lessee.name, "gpu box");
  EXPECT_THAT(worker.lessee.queues.all(), ElementsAre("night"));
  EXPECT_THAT(worker.lessee.kinds.all(), ElementsAre("inference"));
  EXPECT_THAT(worker.lessee.models.all(), ElementsAre("m"));
  EXPECT_EQ(worker.lessee.batch_size_max, 7);
  EXPECT_EQ(worker.lessee.pixels_max, 8);
  EXPECT_EQ(worker.pixel_steps_max, 9);
  EXPECT_EQ(worker.version, "1.2.3");
  EXPECT_TRUE(worker.measures);
  EXPECT_EQ(worker.lessee.device, "gpu1000: a card, 1000 bytes; driver 7");
  EXPECT_EQ(worker.lessee.device_bytes, 1000);
  ASSERT_THAT(worker.devices, SizeIs(2));
  EXPECT_EQ(worker.devices[1].name, "gpu2000");
  EXPECT_EQ(worker.devices[1].description, "a card");
  EXPECT_EQ(worker.devices[1].memory_bytes, 2000);
}

TEST(ConvertWorkerTest, AWelcomeAndANudgeAreSignals) {
  pb::WorkerSignal hello;
  ToProto(Welcome{.lease_duration = absl::Seconds(30),
                  .heartbeat_interval = absl::Milliseconds(5500),
                  .calibrate = true},
          &hello);
  EXPECT_EQ(FromProto(hello.lease_duration()), absl::Seconds(30));
  EXPECT_EQ(FromProto(hello.heartbeat_interval()), absl::Milliseconds(5500));
  EXPECT_TRUE(hello.calibrate());
  EXPECT_FALSE(hello.report_now());
  pb::WorkerSignal drain;
  ToProto(WorkerNudge{.report_now = true, .drain = true}, &drain);
  EXPECT_TRUE(drain.report_now());
  EXPECT_TRUE(drain.drain());
  EXPECT_FALSE(drain.has_lease_duration());
}

TEST(ConvertWorkerTest, AQuestionNamesTheBatchThatIsToBeJoined) {
  pb::LeaseBatchRequest request;
  request.mutable_wait()->set_seconds(20);
  EXPECT_EQ(FromProto(request).beside, BatchId());
  EXPECT_EQ(FromProto(request).wait, absl::Seconds(20));
  request.set_beside("batches/7");
  request.set_secret("a secret");
  request.set_row_count(3);
  const WorkQuestion question = FromProto(request);
  EXPECT_EQ(question.beside, BatchId{7});
  EXPECT_EQ(question.secret, "a secret");
  EXPECT_EQ(question.row_count, 3);
}

Leased TwoRuns() {
  Leased leased;
  leased.batch.id = BatchId{7};
  leased.batch.epoch = 4;
  leased.batch.secret = "a secret";
  leased.batch.queue = "night";
  leased.batch.lease_expire_time = absl::FromUnixSeconds(1'700'000'000);
  leased.kind = "inference";
  for (int i = 0; i < 2; ++i) {
    LeasedRun run;
    run.run.id = RunId(JobId{42}, i);
    run.run.attempt = i + 1;
    run.params.prompt = "fox " + std::to_string(i);
    run.params.steps = 20;
    leased.runs.push_back(run);
  }
  leased.runs[1].params.weights = {{"depth", 0.5}};
  return leased;
}

TEST(ConvertWorkerTest, AnOfferIsABatchWithWhatEachRunAsksFor) {
  pb::LeaseBatchResponse response;
  ToProto({.leased = TwoRuns(),
           .saved_steps = {0, 12},
           .preview_steps = 5,
           .checkpoint_steps = 10},
          &response);
  const pb::LeasedBatch& batch = response.batch();
  EXPECT_EQ(batch.name(), "batches/7");
  EXPECT_EQ(batch.epoch(), 4);
  EXPECT_EQ(batch.secret(), "a secret");
  EXPECT_EQ(batch.queue(), "queues/night");
  EXPECT_EQ(batch.kind(), "inference");
  EXPECT_EQ(batch.lease_expire_time().seconds(), 1'700'000'000);
  EXPECT_EQ(batch.preview_steps(), 5);
  EXPECT_EQ(batch.checkpoint_steps(), 10);
  ASSERT_EQ(batch.runs_size(), 2);
  EXPECT_EQ(batch.runs(1).run(), "jobs/42/runs/1");
  EXPECT_EQ(batch.runs(1).attempt(), 2);
  EXPECT_EQ(batch.runs(1).request().prompt(), "fox 1");
  EXPECT_EQ(batch.runs(0).checkpoint_step(), 0);
  EXPECT_EQ(batch.runs(1).checkpoint_step(), 12);
  EXPECT_EQ(batch.shared().steps(), 20);
  EXPECT_FALSE(batch.shared().has_prompt()) << "they differ in it";
  ASSERT_EQ(batch.weights_list_size(), 2);
  EXPECT_THAT(batch.weights_list(0).weights(), ElementsAre(Pair("depth", 0)));
  EXPECT_THAT(batch.weights_list(1).weights(), ElementsAre(Pair("depth", 0.5)));
  EXPECT_FALSE(response.drain() || response.calibrate());
}

TEST(ConvertWorkerTest, AnOfferOfNothingHasNoBatch) {
  pb::LeaseBatchResponse response;
  ToProto(BatchOffer{.drain = true, .calibrate = true}, &response);
  EXPECT_FALSE(response.has_batch());
  EXPECT_TRUE(response.drain());
  EXPECT_TRUE(response.calibrate());
}

TEST(ConvertWorkerTest, AReportOfProgressNamesItsLeaseAndItsSteps) {
  pb::ReportProgressRequest request;
  request.set_worker("workers/3");
  request.set_batch("batches/7");
  request.set_epoch(4);
  request.set_secret("a secret");
  pb::RunStep* step = request.add_steps();
  step->set_run("jobs/42/runs/1");
  step->set_step(6);
  step->set_step_count(20);
  step->set_preview("picture");
  EXPECT_EQ(FromProto(request).memory_bytes, 0);
  request.mutable_memory()->set_peak_bytes(5000);
  const ProgressReport report = FromProto(request);
  EXPECT_EQ(report.claim.worker, WorkerId{3});
  EXPECT_EQ(report.claim.batch, BatchId{7});
  EXPECT_EQ(report.claim.epoch, 4);
  EXPECT_EQ(report.claim.secret, "a secret");
  ASSERT_THAT(report.steps, SizeIs(1));
  EXPECT_EQ(report.steps[0].run, RunId(JobId{42}, 1));
  EXPECT_EQ(report.steps[0].step, 6);
  EXPECT_EQ(report.steps[0].step_count, 20);
  EXPECT_EQ(report.steps[0].preview, "picture");
  EXPECT_EQ(report.memory_bytes, 5000);
}

TEST(ConvertWorkerTest, OrdersGoOutUnlessTheLeaseIsLost) {
  WorkerReports::Noted noted{
      .orders = {.lease_expire_time = absl::FromUnixSeconds(1'700'000'000),
                 .cancel = {RunId(JobId{42}, 0)},
                 .release = {RunId(JobId{42}, 1)}},
      .drain = true};
  pb::ReportProgressResponse held;
  ToProto(noted, &held);
  EXPECT_EQ(held.lease_expire_time().seconds(), 1'700'000'000);
  EXPECT_THAT(held.cancel_runs(), ElementsAre("jobs/42/runs/0"));
  EXPECT_THAT(held.release_runs(), ElementsAre("jobs/42/runs/1"));
  EXPECT_TRUE(held.drain());
  EXPECT_FALSE(held.lease_lost());
  noted.orders.lost = true;
  pb::ReportProgressResponse lost;
  ToProto(noted, &lost);
  EXPECT_TRUE(lost.lease_lost());
  EXPECT_TRUE(lost.drain());
  EXPECT_FALSE(lost.has_lease_expire_time());
  EXPECT_THAT(lost.cancel_runs(), IsEmpty());
}

TEST(ConvertWorkerTest, EachRunEndsInAWayOfItsOwn) {
  pb::FinishRunsRequest request;
  for (int i = 0; i < 5; ++i) {
    pb::RunOutcome* outcome = request.add_outcomes();
    outcome->set_run("jobs/42/runs/" + std::to_string(i));
    outcome->set_attempt(i);
  }
  pb::Output* output =
      request.mutable_outcomes(0)->mutable_success()->add_outputs();
  output->set_artifact("artifacts/ab12");
  output->set_name("picture");
  output->set_media_type("image/png");
  request.mutable_outcomes(1)->mutable_failure()->set_error_class(
      pb::ERROR_CLASS_ENGINE);
  request.mutable_outcomes(1)->mutable_failure()->set_message("it broke");
  request.mutable_outcomes(2)->mutable_failure();
  request.mutable_outcomes(3)->set_cancelled(true);
  request.mutable_outcomes(4)->set_released(true);
  const std::vector<RunOutcome> outcomes = FromProto(request).finish.outcomes;
  ASSERT_THAT(outcomes, SizeIs(5));
  EXPECT_EQ(outcomes[1].run, RunId(JobId{42}, 1));
  EXPECT_EQ(outcomes[1].attempt, 1);
  EXPECT_THAT(std::get<Succeeded>(outcomes[0].outcome).outputs,
              ElementsAre(Output{"ab12", "picture", "image/png"}));
  EXPECT_EQ(std::get<RunError>(outcomes[1].outcome),
            (RunError{ErrorClass::kEngine, "it broke"}));
  EXPECT_EQ(std::get<RunError>(outcomes[2].outcome).error_class,
            ErrorClass::kTransient)
      << "a failure without a class may pass";
  EXPECT_TRUE(std::holds_alternative<StoppedAsOrdered>(outcomes[3].outcome));
  EXPECT_TRUE(std::holds_alternative<HandedBack>(outcomes[4].outcome));
}

TEST(ConvertWorkerTest, FiguresThatAWorkerDoesNotKnowAreAbsent) {
  pb::FinishRunsRequest request;
  EXPECT_FALSE(FromProto(request).memory);
  EXPECT_FALSE(FromProto(request).engine_time);
  request.mutable_memory()->set_peak_bytes(100);
  request.mutable_engine_time()->set_seconds(9);
  EXPECT_EQ(FromProto(request).memory->peak_bytes, 100);
  EXPECT_EQ(FromProto(request).engine_time, absl::Seconds(9));
}

TEST(ConvertWorkerTest, StatesAnswerInTheOrderOfTheReport) {
  pb::FinishRunsResponse response;
  ToProto({RunState::kFailed, RunState::kQueued, RunState::kSucceeded},
          &response);
  EXPECT_THAT(response.states(),
              ElementsAre(pb::RUN_STATE_FAILED, pb::RUN_STATE_QUEUED,
                          pb::RUN_STATE_SUCCEEDED));
}

TEST(ConvertWorkerTest, AProfileIsOfADeviceAModelAndASize) {
  pb::ReportProfileRequest request;
  request.set_device("gpu");
  request.set_model("m");
  request.set_width(64);
  request.set_height(32);
  EXPECT_EQ(MeasuredKind(request), (WorkKind{"gpu", "m", 64, 32}));
}

}  // namespace
}  // namespace sheaf::server
