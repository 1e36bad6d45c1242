// Queues with the policy AUTO: when enough runs wait and jobs have come since
// the last look, analyzes the queue live and executes what gains enough. Only
// plans with a known band are executed: before calibration nothing is.
//
// Owned by the server. Tick comes from one thread, the rest from the store's
// and the analyst's.
#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "queue/store.h"
#include "server/scheduling/analyst.h"

namespace sheaf::server {

class AutoPlanner {
 public:
  // Borrows both.
  AutoPlanner(Store* store, Analyst* analyst)
      : store_(*store), analyst_(*analyst) {}

  // Looks whether anything is due; returns at once.
  void Tick();

 private:
  struct Look {
    JobId job;  // the newest then
    bool under_way = false;
  };
  void Consider(const Queue& queue, JobId newest);
  void Analyzed(const std::string& queue,
                const absl::StatusOr<Analyst::Analysis>& analysis);
  void Execute(PlanId plan);

  Store& store_;
  Analyst& analyst_;
  absl::Mutex mutex_;
  std::map<std::string, Look> looks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
