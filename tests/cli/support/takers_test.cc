#include "cli/support/takers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

v1::Worker Worker(const std::string& kind, const std::string& model) {
  v1::Worker worker;
  worker.set_state(v1::WORKER_STATE_IDLE);
  if (!kind.empty()) worker.add_kinds(kind);
  if (!model.empty()) worker.add_models(model);
  return worker;
}

v1::ListWorkersResponse List(const std::vector<v1::Worker>& workers) {
  v1::ListWorkersResponse list;
  for (const v1::Worker& worker : workers) *list.add_workers() = worker;
  return list;
}

const Work kFox = {"queues/default", "inference", "shapes"};

TEST(TakersTest, AWorkerWithTheKindAndTheModelTakesTheWork) {
  EXPECT_THAT(WhyNobodyTakes(kFox, List({Worker("inference", "shapes")})),
              IsEmpty());
  EXPECT_THAT(WhyNobodyTakes(kFox, List({Worker("", "")})), IsEmpty());
  EXPECT_THAT(WhyNobodyTakes(kFox, List({Worker("*", "*")})), IsEmpty());
}

TEST(TakersTest, AnyModelWillDoForARunThatNamesNone) {
  EXPECT_THAT(WhyNobodyTakes({"queues/default", "inference", ""},
                             List({Worker("inference", "shapes")})),
              IsEmpty());
}

TEST(TakersTest, AMisspeltModelIsSuggested) {
  Work work = kFox;
  work.model = "shape";
  EXPECT_EQ(WhyNobodyTakes(work, List({Worker("inference", "shapes")})),
            "no connected worker has the model 'shape', did you mean "
            "'shapes'?");
}

TEST(TakersTest, OtherwiseTheNamesThatThereAreAreSaid) {
  Work work = kFox;
  work.kind = "upscale";
  EXPECT_EQ(WhyNobodyTakes(work, List({Worker("inference", "shapes"),
                                       Worker("batch_inference", "shapes")})),
            "no connected worker does jobs of the kind 'upscale'; offered: "
            "batch_inference, inference.");
  v1::Worker worker = Worker("", "");
  for (int i = 10; i < 30; ++i) worker.add_models("m" + std::to_string(i));
  EXPECT_THAT(WhyNobodyTakes(kFox, List({worker})),
              AllOf(HasSubstr("m10, m11, "), HasSubstr("m17 and 12 more."),
                    Not(HasSubstr("m18"))));
}

TEST(TakersTest, KindAndModelMustBeThoseOfOneWorker) {
  Work work = kFox;
  work.kind = "upscale";
  const std::string why = WhyNobodyTakes(
      work, List({Worker("inference", "shapes"), Worker("upscale", "big")}));
  EXPECT_THAT(why, AllOf(HasSubstr("has the model 'shapes'"),
                         HasSubstr("of those for its queue and kind"),
                         HasSubstr("offered: big")));
}

TEST(TakersTest, AQueueThatNoWorkerServesIsSaid) {
  v1::Worker worker = Worker("", "");
  worker.add_queues("queues/night");
  EXPECT_THAT(WhyNobodyTakes(kFox, List({worker})),
              HasSubstr("serves 'queues/default'"));
}

TEST(TakersTest, WorkersThatLeaveDoNotCount) {
  v1::Worker lost = Worker("", "");
  lost.set_state(v1::WORKER_STATE_LOST);
  v1::Worker draining = Worker("", "");
  draining.set_state(v1::WORKER_STATE_DRAINING);
  EXPECT_EQ(WhyNobodyTakes(kFox, List({lost, draining})),
            "no worker that takes work is connected.");
}

TEST(TakersTest, AModelMayBeAmongThoseLeftOut) {
  v1::Worker worker = Worker("", "a");
  worker.set_models_left_out(3);
  EXPECT_THAT(WhyNobodyTakes(kFox, List({worker})), IsEmpty());
}

TEST(TakersTest, AJobsWorksAreThoseOfItsRunsOrItsSweep) {
  v1::JobSpec spec;
  EXPECT_THAT(WorksOf(spec),
              ElementsAre(Work{"queues/default", "inference", ""}));
  spec.set_queue("queues/night");
  spec.set_kind("upscale");
  spec.mutable_shared()->set_model("a");
  spec.add_runs();
  spec.add_runs()->set_model("b");
  spec.add_runs()->set_model("b");
  EXPECT_THAT(WorksOf(spec), ElementsAre(Work{"queues/night", "upscale", "a"},
                                         Work{"queues/night", "upscale", "b"}));
  v1::SweepAxis* axis = spec.mutable_sweep()->add_axes();
  axis->set_field("model");
  axis->add_values("c");
  axis->add_values("d");
  EXPECT_THAT(WorksOf(spec), ElementsAre(Work{"queues/night", "upscale", "c"},
                                         Work{"queues/night", "upscale", "d"}));
}

TEST(TakersTest, OnlyWaitingRunsOfAJobCount) {
  v1::Job job;
  job.set_queue("queues/default");
  job.set_kind("inference");
  v1::Run* waiting = job.add_runs();
  waiting->set_state(v1::RUN_STATE_QUEUED);
  waiting->mutable_request()->set_model("a");
  v1::Run* done = job.add_runs();
  done->set_state(v1::RUN_STATE_SUCCEEDED);
  done->mutable_request()->set_model("b");
  EXPECT_THAT(WaitingWorksOf(job),
              ElementsAre(Work{"queues/default", "inference", "a"}));
}

}  // namespace
}  // namespace sheaf::cli
