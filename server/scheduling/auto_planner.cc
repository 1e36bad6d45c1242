#include "server/scheduling/auto_planner.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/log/log.h"
#include "queue/plans.h"

namespace sheaf::server {

void AutoPlanner::NoteCommit(const Committed& committed) {
  if (committed.ready.empty()) return;
  absl::MutexLock lock(&mutex_);
  for (const ReadyRuns& ready : committed.ready) {
    const auto look = looks_.find(ready.lane.queue);
    if (ready.added > 0 && look != looks_.end()) look->second.is_due = true;
  }
}

void AutoPlanner::Tick() {
  auto queues = std::make_shared<std::vector<Queue>>();
  store_.Read(
      [queues](View& view) {
        *queues = view.Queues();
        return absl::OkStatus();
      },
      [this, queues](const absl::Status& status) {
        if (!status.ok()) return;
        for (const Queue& queue : *queues) Consider(queue);
      });
}

void AutoPlanner::Consider(const Queue& queue) {
  {
    absl::MutexLock lock(&mutex_);
    if (queue.settings.policy != BatchPolicy::kAuto) {
      looks_.erase(queue.name);
      return;
    }
    Look& look = looks_[queue.name];
    if (look.under_way || !look.is_due ||
        queue.queued < queue.settings.threshold) {
      return;
    }
    look = {.is_due = false, .under_way = true};
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
