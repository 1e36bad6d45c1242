// Workers that wait for work. An idle one costs nothing: its call is parked
// until something is committed that may be work, until a time at which waiting
// runs fall due, or until its wait is over.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/timer.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/stats_board.h"

namespace sheaf::server {

// Any thread.
class LeaseWaiters {
 public:
  // Nothing: the wait is over, or the call was dropped.
  using Answer = std::function<void(absl::StatusOr<std::optional<Leased>>)>;

  // The parts that it works with; all of them outlive it.
  struct Parts {
    Store* store = nullptr;
    Timer* timer = nullptr;
    const WorkerRegistry* workers = nullptr;
    StatsBoard* stats = nullptr;  // is told of each lease
    LeasePolicy* policy = nullptr;
    std::function<absl::Time()> now;
    absl::Duration lease_duration;
  };
  explicit LeaseWaiters(Parts parts) : parts_(std::move(parts)) {}

  // Leases for `who`, waiting until `until` at the most. Answers once, on a
  // thread of the store or the timer. The handle is for Drop. LEASE_LOST where
  // `who` asks beside a batch that it does not hold. Ends the worker's earlier
  // wait to join: the worker has news of its rows, or no longer wants to join.
  int64_t Wait(Lessee who, absl::Time until, Answer answer);
  // Ends a wait early, with nothing. If a lease is under way then, the answer
  // still brings it, and the caller hands it back.
  void Drop(int64_t handle);
  // Ends all waits of a worker.
  void DropWorker(WorkerId worker);

  // Workers whose calls wait for work, and since when. Leaves out workers that
  // only want more runs to join a batch that they hold.
  std::map<WorkerId, absl::Time> Idle() const;

  // Something was committed that may be work.
  void Signal();
  // The number of looks for work that have ended, whoever asked.
  int64_t looks() const { return looks_; }
  // Ends all waits; later ones end at once.
  void Stop();

 private:
  struct Waiting {
    Lessee who;
    std::string address;  // from which it registered
    absl::Time since;
    absl::Time until;
    Answer answer;
    bool dropped = false;
    bool parked = false;
    int64_t signals_seen = 0;
    Timer::Handle end_of_wait;
  };
  using Entry = std::shared_ptr<Waiting>;

  void DropJoin(WorkerId worker);
  void Try(int64_t handle, Entry entry);
  void Park(int64_t handle, Entry entry, absl::Time next_time);
  void WakeAt(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Parts parts_;
  std::atomic<int64_t> looks_ = 0;
  mutable absl::Mutex mutex_;
  std::map<int64_t, Entry> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t next_handle_ ABSL_GUARDED_BY(mutex_) = 1;
  int64_t signals_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time wake_time_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sheaf::server
