#include "server/scheduling/plan_service.h"

#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/plans.h"
#include "queue/queues.h"
#include "tests/batching/builders.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PlanServiceTest : public ::testing::Test {
 protected:
  PlanServiceTest() {
    Write(*store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return true;
    });
  }

  void SubmitJobs(int count, const std::string& model = "m",
                  const std::string& owner = "") {
    for (int i = 0; i < count; ++i) {
      RunParams params;
      params.prompt = "hut";
      params.model = model;
      params.steps = 20;
      params.sampler = "euler";
      params.width = 512;
      params.height = 512;
      params.seed = i;
      ASSERT_TRUE(Write(*store_, [&](Tx& tx) {
                    return Submit(tx,
                                  MakeJob({.owner = owner, .runs = {params}}));
                  }).ok());
    }
  }
  void Pause() {
    ASSERT_TRUE(Write(*store_, [](Tx& tx) {
                  return PauseQueue(tx, kDefaultQueue, {});
                }).ok());
  }

  // A worker with this model, which it makes at 512x512 in 20 steps unless told
  // otherwise.
  void AddWorkerThatTells(
      const std::string& model,
      batching::Capability capability = batching::Capability::kFull) {
    Catalog catalog;
    CatalogModel& described = catalog.models[model];
    described.name = model;
    described.is_default = true;
    described.facts.capability = capability;
    RunParams& defaults = described.facts.defaults;
    defaults.width = defaults.height = 512;
    defaults.steps = 20;
    WorkerInfo worker;
    worker.models = TableOf(catalog);
    worker.catalog = std::make_shared<Catalog>(std::move(catalog));
    Attach(std::move(worker), model);
  }
  void AddWorker(const std::string& model) { Attach({}, model); }
  void Attach(WorkerInfo worker, const std::string& model) {
    worker.lessee.id = WorkerId{workers_.count() + 1};
    worker.lessee.models = {model};
    workers_.Attach(worker, [](const WorkerNudge&) {});
  }

  absl::StatusOr<PlanService::Analysis> Analyze(
      PlanService::Question question) {
    if (question.queue.empty()) question.queue = kDefaultQueue;
    absl::StatusOr<PlanService::Analysis> answer =
        absl::UnknownError("no answer");
    absl::Notification done;
    plans_.Analyze(std::move(question), [&](auto analysis) {
      answer = std::move(analysis);
      done.Notify();
    });
    done.WaitForNotification();
    return answer;
  }

  TestClock clock_;
  // It reads at once, on the calling thread: what Tick asks, it has asked when
  // Tick returns.
  std::unique_ptr<Store> store_ = NewMemoryStore(&clock_);
  PricesBoard prices_{batching::FastDevice()};
  MemoryBoard memory_;
  std::optional<batching::Turns> turns_;
  WorkerRegistry workers_;
  PlanService plans_{store_.get(), &prices_, &memory_, &workers_,
                     [this] { return turns_; }};
};

TEST_F(PlanServiceTest, WhatWaitsInAPausedQueueBecomesAStoredPlan) {
  SubmitJobs(8);
  Pause();
  const auto analysis = Analyze({});
  ASSERT_TRUE(analysis.ok()) << analysis.status();
  ASSERT_TRUE(analysis->plan.has_value());
  const PlanRecord& plan = *analysis->plan;
  EXPECT_EQ(plan.state, PlanState::kReady);
  EXPECT_EQ(plan.run_count, 8);
  EXPECT_EQ(plan.job_count, 8);
  EXPECT_EQ(plan.mode, "best");
  EXPECT_THAT(plan.preview, HasSubstr("8"));
  const auto batches = Read(
      *store_, [&](View& view) { return view.PlanBatches(plan.id, 0, 100); });
  EXPECT_EQ(static_cast<int64_t>(batches.size()), plan.batch_count);
  size_t runs = 0;
  for (const PlanBatch& batch : batches) runs += batch.runs.size();
  EXPECT_EQ(runs, 8u);
}

TEST_F(PlanServiceTest, AQueueThatHandsOutWorkIsAnalyzedOnlyLive) {
  SubmitJobs(2);
  EXPECT_EQ(ReasonOf(Analyze({}).status()), Reason::kQueueNotPaused);
  const auto live = Analyze({.live = true});
  ASSERT_TRUE(live.ok()) << live.status();
  EXPECT_TRUE(live->plan->live);
}

TEST_F(PlanServiceTest, AnEmptyQueueGivesNoPlanButWords) {
  Pause();
  const auto analysis = Analyze({});
  ASSERT_TRUE(analysis.ok()) << analysis.status();
  EXPECT_FALSE(analysis->plan.has_value());
  EXPECT_THAT(analysis->message, HasSubstr("No batchable jobs"));
}

TEST_F(PlanServiceTest, AQueueThatIsNotThereIsSaidSo) {
  EXPECT_EQ(ReasonOf(Analyze({.queue = "elsewhere"}).status()),
            Reason::kQueueNotFound);
}

TEST_F(PlanServiceTest, WhoHasLeftGetsNoPlan) {
  SubmitJobs(2);
  Pause();
  PlanService::Question question;
  question.call = {.cancelled = [] { return true; }};
  EXPECT_EQ(ReasonOf(Analyze(std::move(question)).status()),
            Reason::kCallCancelled);
  EXPECT_TRUE(Read(*store_, [](View& view) {
                return view.Plans(kDefaultQueue, {}, 10);
              }).empty());
}

TEST_F(PlanServiceTest, AfterStopQuestionsAreRefused) {
  plans_.Stop();
  bool refused = false;
  plans_.Analyze({.queue = kDefaultQueue}, [&](const auto& analysis) {
    refused = ReasonOf(analysis.status()) == Reason::kServerStopping;
  });
  EXPECT_TRUE(refused);
}

TEST_F(PlanServiceTest, ALookStoresNothingAndShowsTheFirstBatches) {
  SubmitJobs(8);
  Pause();
  const auto analysis = Analyze({.look_only = true});
  ASSERT_TRUE(analysis.ok()) << analysis.status();
  ASSERT_TRUE(analysis->plan.has_value());
  EXPECT_FALSE(analysis->plan->id);
  EXPECT_EQ(analysis->plan->run_count, 8);
  EXPECT_EQ(static_cast<int64_t>(analysis->batches.size()),
            analysis->plan->batch_count);
  EXPECT_EQ(analysis->batches[0].weights.size(),
            analysis->batches[0].batch.runs.size());
  EXPECT_TRUE(Read(*store_, [](View& view) {
                return view.Plans(kDefaultQueue, {}, 10);
              }).empty());
}

TEST_F(PlanServiceTest, RunsThatNothingGoesWithAreNoPlan) {
  for (int i = 0; i < 3; ++i) SubmitJobs(1, "model" + std::to_string(i));
  Pause();
  const auto analysis = Analyze({});
  ASSERT_TRUE(analysis.ok()) << analysis.status();
  EXPECT_FALSE(analysis->plan.has_value());
  EXPECT_EQ(analysis->message,
            "No batchable jobs found: 3 runs of which no two go together");
}

TEST_F(PlanServiceTest, TheTurnsOfOwnersArePartOfThePlan) {
  SubmitJobs(4, "m", "ann");
  SubmitJobs(4, "m", "bob");
  Pause();
  turns_.emplace();
  turns_->state.clock_ms = {{"ann", 1e9}};
  const auto analysis = Analyze({.look_only = true});
  ASSERT_TRUE(analysis.ok()) << analysis.status();
  // Ann has had far more than her share.
  EXPECT_EQ(analysis->batches[0].batch.runs[0].job(), JobId{5});
}

TEST_F(PlanServiceTest, TheQueuesSettingsBoundItsPlansUnlessTheAskerSaysOther) {
  SubmitJobs(16);
  Pause();
  const auto batches_with = [&](PlanningSettings planning) -> int64_t {
    const auto analysis = Analyze({.planning = planning, .look_only = true});
    // No plan: each run stays by itself.
    return analysis->plan ? analysis->plan->batch_count : 16;
  };
  const int64_t free = batches_with({});
  QueuePatch patch;
  patch.Set(&QueueSettings::harm_max, absl::ZeroDuration());
  ASSERT_TRUE(Write(*store_, [&](Tx& tx) {
                return UpdateQueue(tx, kDefaultQueue, patch, 0);
              }).ok());
  // The first run of a batch ends later than it would have alone.
  EXPECT_GT(batches_with({}), free);
  EXPECT_EQ(batches_with({.harm_max = absl::InfiniteDuration()}), free);
}

TEST_F(PlanServiceTest, RunsThatNoWorkerCanDoAreInNoPlan) {
  AddWorker("m");
  SubmitJobs(8);
  Pause();
  const PlanRecord before = *Analyze({})->plan;
  SubmitJobs(3, "mm");
  const PlanRecord plan = *Analyze({})->plan;
  EXPECT_EQ(plan.run_count, 8);
  EXPECT_EQ(plan.batch_count, before.batch_count);
  EXPECT_THAT(plan.report, HasSubstr(R"("unplanned":{"no_worker":3})"));
  EXPECT_THAT(plan.preview,
              AllOf(HasSubstr("Left as they are: 3 runs that no worker can do"),
                    HasSubstr("Warning: left out, since no worker here does "
                              "it: model 'mm' (3 runs)")));
  EXPECT_EQ(plan.preview.substr(0, plan.preview.find("Mode")),
            before.preview.substr(0, before.preview.find("Mode")))
      << "they add to no gain";
}

TEST_F(PlanServiceTest, WhereNoWorkerCanDoAnythingTheWordsSayWhatIsLacking) {
  AddWorker("another");
  SubmitJobs(2);
  Pause();
  const auto analysis = Analyze({});
  ASSERT_TRUE(analysis.ok()) << analysis.status();
  EXPECT_FALSE(analysis->plan.has_value());
  EXPECT_EQ(analysis->message,
            "No batchable jobs found: 2 runs that no worker can do "
            "(model 'm' (2 runs))");
}

TEST_F(PlanServiceTest, RunsThatSpellOutDefaultsGoWithThoseThatDoNot) {
  SubmitJobs(2);
  for (int i = 0; i < 2; ++i) {
    RunParams params;
    params.sampler = "euler";
    params.seed = i;
    ASSERT_TRUE(Write(*store_, [&](Tx& tx) {
                  return Submit(tx, MakeJob({.runs = {params}}));
                }).ok());
  }
  Pause();
  const auto batches = [&] {
    return Analyze({.mode = batching::Mode::kStrict, .greedy = true})
        ->plan->batch_count;
  };
  EXPECT_EQ(batches(), 2) << "nobody knows the defaults";
  AddWorkerThatTells("m");
  EXPECT_EQ(batches(), 1);
}

TEST_F(PlanServiceTest, AModelThatTakesOneRunAtATimeIsPlannedSo) {
  SubmitJobs(4);
  Pause();
  AddWorkerThatTells("m");
  EXPECT_LT(Analyze({})->plan->batch_count, 4);
  AddWorkerThatTells("m", batching::Capability::kDisabled);
  EXPECT_EQ(Analyze({})->message,
            "No batchable jobs found: 4 runs of which no two go together");
}

TEST_F(PlanServiceTest, WithoutWorkersAllIsPlannedWithAWarning) {
  SubmitJobs(8);
  Pause();
  const PlanRecord plan = *Analyze({})->plan;
  EXPECT_EQ(plan.run_count, 8);
  EXPECT_THAT(plan.preview, HasSubstr("Warning: no worker is here"));
}

// Before figures are known, no plan surely gains enough.
TEST_F(PlanServiceTest, WithoutMeasuredTimesNoPlanIsWorthExecuting) {
  SubmitJobs(16);
  Pause();
  EXPECT_FALSE(Analyze({})->worth_executing);
}

}  // namespace
}  // namespace sheaf::server
