// Plans the queues with the policy AUTO: when enough runs wait and jobs have
// come since the last look, analyzes the queue live and executes the plan if it
// gains enough. Executes only plans with a known band, so none before
// calibration.
//
// Owned by the server. One thread calls Tick; the rest runs on threads of the
// store and the plan service.
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

  // Looks whether anything is due; returns at once.
  void Tick();

 private:
  struct Look {
    JobId job;  // the newest then
    bool under_way = false;
  };
  void Consider(const Queue& queue, JobId newest);
  void Analyzed(const std::string& queue,
                const absl::StatusOr<PlanService::Analysis>& analysis);
  void Execute(PlanId plan);

  Store& store_;
  PlanService& plan_service_;
  absl::Mutex mutex_;
  std::map<std::string, Look> looks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
