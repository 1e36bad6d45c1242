// The reporters of all leases at hand. A reporter that is returned serves the
// next batch, so that short batches cost no threads.
//
// Owned by the session; Take and Return on its thread, the rest from any.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "inference/worker/session/lease_reporter.h"

namespace sheaf::worker {

class ReporterPool {
 public:
  ReporterPool(Client* client, const TimedEngine* engine,
               LeaseReporter::Options options);

  // Returns a reporter without a batch. The pool still owns it.
  LeaseReporter* Take();
  // Call it after LeaseReporter::End.
  void Return(LeaseReporter* reporter);

  // Calls all reporters, and later ones before their first batch.
  void ReportSoon();
  void Hurry();

 private:
  Client* const client_;
  const TimedEngine* const engine_;
  const LeaseReporter::Options options_;
  absl::Mutex mutex_;
  bool hurried_ ABSL_GUARDED_BY(mutex_) = false;
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;  // ReportSoon was called.
  std::vector<std::unique_ptr<LeaseReporter>> reporters_
      ABSL_GUARDED_BY(mutex_);
  std::vector<LeaseReporter*> free_;  // The last one returned goes first.
};

}  // namespace sheaf::worker
