// Workers that wait for work. An idle one costs nothing: its call is parked
// until runs are committed that it serves, until a time at which waiting runs
// fall due, or until its wait is over.
//
// A commit wakes as many workers as runs came, not all of them. No run is
// forgotten by that: a worker that takes some while more is left wakes another,
// one that leaves a run to a better worker wakes that one, and one that fails
// passes the news on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/timer.h"
#include "queue/leasing/lease.h"
#include "queue/store.h"
#include "server/scheduling/worker_places.h"
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
    WorkerPlaces* places = nullptr;  // is told who waits
    StatsBoard* stats = nullptr;     // is told of each lease
    LeasePolicy* policy = nullptr;
    // Told of each look for work, after its commit.
    std::function<void(const LeaseNotes&, absl::Time)> looked;
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

  // Wakes workers for what the commit brought.
  void NoteCommit(const Committed& committed);
  // Wakes one worker of each kind: there may be work that waited before.
  void Signal();
  // The number of looks for work that have ended, whoever asked.
  int64_t looks() const { return looks_; }
  // Ends all waits; later ones end at once.
  void Stop();

 private:
  // Workers alike serve the same lanes: what one of them does not find, the
  // others do not find either.
  using Service = std::tuple<size_t, size_t, size_t, int64_t>;
  static Service ServiceOf(const Lessee& who);

  struct Waiting {
    Lessee who;
    std::string address;  // from which it registered
    absl::Time until;
    Answer answer;
    bool dropped = false;
    bool parked = false;
    bool again = false;          // news came while it looked
    std::optional<Lane> beside;  // the lane of the batch to be joined
    std::optional<Lane> news;    // the lane for which it was woken
    Timer::Handle end_of_wait;
  };
  using Entry = std::shared_ptr<Waiting>;
  using Woken = std::vector<std::pair<int64_t, Entry>>;

  void DropJoin(WorkerId worker);
  void Try(int64_t handle, Entry entry);
  void Tried(int64_t handle, const Entry& entry, const absl::Status& status,
             LeaseResult result, const std::optional<Lane>& more);
  void Park(int64_t handle, Entry entry, absl::Time next_time);
  void WakeAt(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Wakes up to `count` workers that serve the lane: idle ones first, then
  // those that want runs of such a lane to join, from `after` on: that one
  // passes the offer on.
  void Offer(const Lane& lane, int64_t count, int64_t after = 0);
  void OfferTo(WorkerId worker);
  // A parked call of the worker that is not to join.
  std::optional<int64_t> ParkedOf(WorkerId worker) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void TryAll(Woken woken);
  void Wake(int64_t handle, const std::optional<Lane>& news, Woken* woken)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetParked(int64_t handle, const Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unpark(int64_t handle, const Entry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(int64_t handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Parts parts_;
  std::atomic<int64_t> looks_ = 0;
  std::atomic<int64_t> parked_count_ = 0;
  mutable absl::Mutex mutex_;
  std::map<int64_t, Entry> waiting_ ABSL_GUARDED_BY(mutex_);
  std::map<WorkerId, std::set<int64_t>> of_worker_ ABSL_GUARDED_BY(mutex_);
  std::set<int64_t> looking_ ABSL_GUARDED_BY(mutex_);
  // The parked ones, the longest first.
  std::map<Service, std::set<int64_t>> idle_ ABSL_GUARDED_BY(mutex_);
  std::set<int64_t> joining_ ABSL_GUARDED_BY(mutex_);
  int64_t next_handle_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::Time wake_time_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sheaf::server
