#include "server/scheduling/auto_planner.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/log/log.h"
#include "queue/plans.h"

namespace sheaf::server {

void AutoPlanner::Tick() {
  struct Seen {
    std::vector<Queue> queues;
    JobId newest;
  };
  auto seen = std::make_shared<Seen>();
  store_.Read(
      [seen](View& view) {
        *seen = {view.Queues(), view.LastJob()};
        return absl::OkStatus();
      },
      [this, seen](const absl::Status& status) {
        if (!status.ok()) return;
        for (const Queue& queue : seen->queues) Consider(queue, seen->newest);
      });
}

void AutoPlanner::Consider(const Queue& queue, JobId newest) {
  {
    absl::MutexLock lock(&mutex_);
    if (queue.settings.policy != BatchPolicy::kAuto) {
      looks_.erase(queue.name);
      return;
    }
    Look& look = looks_[queue.name];
    if (look.under_way || look.job == newest ||
        queue.queued < queue.settings.threshold) {
      return;
    }
    look = {newest, true};
  }
  PlanService::Question question;
  question.queue = queue.name;
  question.live = true;
  question.gain_min = 1 + queue.settings.gain_min_percent / 100.0;
  plan_service_.Analyze(
      std::move(question),
      [this, name = queue.name](auto analysis) { Analyzed(name, analysis); });
}

void AutoPlanner::Analyzed(
    const std::string& queue,
    const absl::StatusOr<PlanService::Analysis>& analysis) {
  {
    absl::MutexLock lock(&mutex_);
    looks_[queue].under_way = false;
  }
  if (analysis.ok() && analysis->worth_executing) Execute(analysis->plan->id);
}

void AutoPlanner::Execute(PlanId plan) {
  store_.Write(
      [plan](Tx& tx) {
        ExecuteOptions options;
        options.plan = plan;
        options.actor = "policy auto";
        return ExecutePlan(tx, options).status();
      },
      [plan](const absl::Status& status) {
        if (status.ok()) return;
        Log(spdlog::level::warn, "planner", "a plan was not executed",
            {{"plan", NameOf(plan)}, {"why", std::string(status.message())}});
      });
}

}  // namespace sheaf::server
