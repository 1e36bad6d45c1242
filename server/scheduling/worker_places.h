// The workers to which a batch could go: those whose calls wait for work, and
// those that have its model loaded. A lease looks at a few of them, however
// many there are.
//
// Owned by the server. Any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/leasing/lease.h"

namespace sheaf::server {

// Another worker, with the facts that placing needs.
struct WorkerPlace {
  Lessee who;
  double free_ms = 0;  // until it is done with what it holds; 0: it waits
  int64_t runs = 0;    // that it holds
};

class WorkerPlaces {
 public:
  struct Parts {
    // A worker that takes work now.
    std::function<std::optional<Lessee>(WorkerId)> taker;
    // Milliseconds until a worker at work is done; none where nobody can tell.
    std::function<std::optional<double>(WorkerId, absl::Time)> free_in;
  };
  explicit WorkerPlaces(Parts parts) : parts_(std::move(parts)) {}

  // The worker's call waits for work, and does so no more.
  void Waits(const Lessee& who);
  void WaitsNoMore(WorkerId worker);
  // A batch is being handed to the worker, or was not handed to it after all:
  // meanwhile nobody counts on it. Unknown workers are not noted.
  void SetTaking(WorkerId worker, bool taking);
  // The worker was given a batch of this model.
  void SetLoaded(WorkerId worker, const std::string& model,
                 const std::string& vae);

  bool IsLoaded(WorkerId worker, const Lane& lane) const;
  // The model that the worker was last given; "" where none is known.
  std::string LoadedModel(WorkerId worker) const;

  // Others that may be done with a batch of the lane before `who`: some that
  // have its model loaded, at work or not, and one idle worker of each device.
  std::vector<WorkerPlace> Rivals(const Lessee& who, const Lane& lane,
                                  absl::Time now) const;
  // Others that wait and serve the lane, those after `last` first.
  std::vector<WorkerPlace> Idle(const Lessee& who, const Lane& lane,
                                WorkerId last) const;
  // Workers that wait and have the lane's model loaded, up to `most` of those
  // that are looked at.
  std::vector<WorkerId> IdleWithModel(const Lane& lane, size_t most) const;

 private:
  struct Waiting {
    Lessee who;
    int calls = 0;
    bool taking = false;
  };
  static std::string KeyOf(const std::string& model, const std::string& vae);
  using Loaded = std::map<WorkerId, std::string>;
  void Forget(Loaded::iterator known) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddIdle(const Lessee& who, const Lane& lane, WorkerId from, WorkerId to,
               std::vector<WorkerPlace>* idle) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The worker as one that waits and serves the lane; null otherwise.
  const Waiting* Find(WorkerId worker, const Lane& lane) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const Parts parts_;
  mutable absl::Mutex mutex_;
  std::map<WorkerId, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::set<WorkerId>> by_device_ ABSL_GUARDED_BY(mutex_);
  // The model that each worker was last given, and the workers of each model.
  Loaded loaded_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::set<WorkerId>> by_model_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
