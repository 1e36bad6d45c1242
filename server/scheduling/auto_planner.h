// Plans the queues with the policy AUTO: when enough runs wait in a queue and
// jobs have come to it since the last look, analyzes it live and executes the
// plan if it gains enough. Executes only plans with a known band, so none
// before calibration.
//
// Owned by the server. One thread calls Tick, another NoteCommit; the rest runs
// on threads of the store and the plan service.
#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "queue/store.h"
#include "server/scheduling/plan_service.h"

namespace sheaf::server {

class AutoPlanner {
 public:
  // Borrows both.
  AutoPlanner(Store* store, PlanService* plan_service)
      : store_(*store), plan_service_(*plan_service) {}

  // Notes the queues to which runs came. Waits for nothing.
  void NoteCommit(const Committed& committed);
  // Looks whether anything is due; returns at once.
  void Tick();

 private:
  struct Look {
    bool is_due = true;  // runs have come since; or it was never looked at
    bool under_way = false;
  };
  void Consider(const Queue& queue);
  void Analyzed(const std::string& queue,
                const absl::StatusOr<PlanService::Analysis>& analysis);
  void Execute(PlanId plan);

  Store& store_;
  PlanService& plan_service_;
  absl::Mutex mutex_;
  std::map<std::string, Look> looks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
