// The keepers of all leases at hand. One that is given back serves the next
// batch, so that short batches cost no threads.
//
// Owned by the session; Take and Return on its thread, the rest from any.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "inference/worker/session/lease_keeper.h"

namespace sheaf::worker {

class KeeperPool {
 public:
  KeeperPool(Client* client, LeaseKeeper::Options options);

  // One that keeps nothing. The pool goes on owning it.
  LeaseKeeper* Take();
  // After its End.
  void Return(LeaseKeeper* keeper);

  // To all of them, and Hurry to those still to come.
  void ReportSoon();
  void Hurry();

 private:
  Client* const client_;
  const LeaseKeeper::Options options_;
  std::mutex mutex_;
  bool hurried_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<LeaseKeeper>> keepers_ ABSL_GUARDED_BY(mutex_);
  std::vector<LeaseKeeper*> free_;  // The last to be returned goes first.
};

}  // namespace sheaf::worker
