// The workers that are here: their facts, when they were last heard, and
// whether they should leave. Kept in memory: the leases, which must survive a
// restart, are in the store, and workers register again after a restart.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/leasing/lease.h"
#include "server/scheduling/catalog.h"
#include "server/scheduling/device_identity.h"

namespace sheaf::server {

struct WorkerInfo {
  Lessee lessee;  // its device goes by its identity (device_identity.h)
  std::vector<DeviceInfo> devices;
  // Null for a worker that does not tell what it offers. `models`: its facts.
  std::shared_ptr<const Catalog> catalog;
  std::shared_ptr<const batching::ModelTable> models;
  std::string version;
  // Calls in the worker's name show this secret, or come over the connection of
  // this peer (worker_claim.h).
  std::string secret;
  std::string peer;
  std::string address;  // of the peer (caller.h)
  absl::Time register_time;
  absl::Time heartbeat_time;
  bool draining = false;
  bool attached = true;  // its stream is open
  bool measures = false;
  int64_t pixel_steps_max = 0;  // of a run: its pixels times its steps; 0: any
  int64_t succeeded = 0;
  int64_t failed = 0;
  absl::Duration engine_time;  // as it last said
};

// An order to a worker, sent on its stream.
struct WorkerNudge {
  bool report_now = false;
  bool drain = false;
  bool goodbye = false;  // end the stream
};

// Any thread. The nudges are called with the registry locked and must not
// call it back.
class WorkerRegistry {
 public:
  using Nudge = std::function<void(const WorkerNudge&)>;

  // Notes that the worker's stream has opened.
  void Attach(const WorkerInfo& info, Nudge nudge);
  // Notes that the stream has ended; false where the worker is no longer known,
  // or has been detached already.
  bool Detach(WorkerId id);
  // The facts of a worker, with its stream or while the stream is missed.
  std::optional<WorkerInfo> Find(WorkerId id) const;
  std::vector<WorkerInfo> List() const;
  // The worker, if it takes work now; and how many workers are known.
  std::optional<Lessee> Taker(WorkerId id) const;
  int count() const;
  // The facts of a worker's models; null where it tells nothing, or is
  // gone.
  std::shared_ptr<const batching::ModelTable> ModelsOf(WorkerId id) const;
  // All workers but those that are leaving. One whose stream is missed counts:
  // it may be back in a moment.
  std::vector<Lessee> Staying() const;
  // The address from which a worker registered; "" where there is no such
  // worker. CountFrom: how many workers registered from an address.
  std::string AddressOf(WorkerId id) const;
  int CountFrom(const std::string& address) const;
  // The smallest of all workers' limits to the pixels of a picture: every
  // worker makes pictures up to that. Costs nothing.
  int64_t least_pixels_max() const { return least_pixels_max_; }
  // The largest limit of the workers that are here and take the lane apart from
  // its size; 0 where one of them has no limit, or where there is no such
  // worker.
  int64_t PixelsMaxFor(const Lane& lane) const;
  void Heard(WorkerId id, absl::Time now);
  void CountRuns(WorkerId id, int64_t succeeded, int64_t failed);
  void NoteEngineTime(WorkerId id, absl::Duration worked);
  // False where there is no such worker.
  bool Drain(WorkerId id);
  // Asks it to measure its models, when it next asks for work. False where
  // there is no such worker.
  bool Calibrate(WorkerId id);
  // Whether the worker was asked to measure and was not told yet.
  bool MustCalibrate(WorkerId id) const;
  // The same, and notes that it is told now.
  bool TakeCalibrate(WorkerId id);
  // Forgets it and ends its stream.
  bool Remove(WorkerId id);
  // Asks all workers to report now: there may be orders for any of them.
  void ReportNowToAll();
  void GoodbyeToAll();

 private:
  struct Entry {
    WorkerInfo info;
    Nudge nudge;
    bool must_calibrate = false;
  };
  void NoteLeastPixels() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static constexpr int64_t kAnyPixels = std::numeric_limits<int64_t>::max();

  mutable absl::Mutex mutex_;
  std::map<WorkerId, Entry> workers_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int64_t> least_pixels_max_ = kAnyPixels;
};

}  // namespace sheaf::server
