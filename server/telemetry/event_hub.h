// Telling watchers what happened.
//
// The newest events are kept in memory, read from the store once however many
// watch; a watcher that is behind reads its own pages from the store. The hub
// never holds anything for a slow watcher.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "queue/store.h"
#include "server/telemetry/progress.h"

namespace sheaf::server {

// Any thread.
class EventHub {
 public:
  // Called, on a thread of the store, when there are events after those seen.
  // It may ask the store: answers never come within the call.
  using Nudge = std::function<void()>;
  using OnProgress = std::function<void(RunId, const StepProgress&)>;

  explicit EventHub(Store* store) : store_(store) {}

  // Starts at the store's newest event. Call it first.
  void Start(int64_t last_sequence);
  // Notes that the store has committed events up to this one.
  void Committed(int64_t last_sequence);

  int64_t last_sequence() const;
  // Events after `after` that are in memory, `limit` and kEventPageBytes at the
  // most; false where they begin before what is kept.
  bool Recent(int64_t after, int limit,
              std::vector<std::shared_ptr<const Event>>* events) const;

  int64_t Subscribe(Nudge nudge, OnProgress on_progress);
  // When this returns, no call is under way, and none comes.
  void Unsubscribe(int64_t id);

  void Publish(RunId run, const StepProgress& progress);

 private:
  struct Watcher {
    Nudge nudge;
    OnProgress on_progress;
  };
  void Fetch();
  void NudgeAll();

  Store* const store_;
  mutable absl::Mutex mutex_;
  std::deque<std::shared_ptr<const Event>> recent_ ABSL_GUARDED_BY(mutex_);
  int64_t recent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t loaded_ ABSL_GUARDED_BY(mutex_) = 0;     // newest in recent_
  int64_t committed_ ABSL_GUARDED_BY(mutex_) = 0;  // newest in the store
  bool fetching_ ABSL_GUARDED_BY(mutex_) = false;

  // Held while watchers are called, so that Unsubscribe can wait for them. It
  // comes before every lock that a watcher takes when it is called, and before
  // mutex_: nobody subscribes or unsubscribes with one of those held, and the
  // store runs its answers on other threads.
  absl::Mutex watchers_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::map<int64_t, Watcher> watchers_ ABSL_GUARDED_BY(watchers_mutex_);
  int64_t next_id_ ABSL_GUARDED_BY(watchers_mutex_) = 1;
};

}  // namespace sheaf::server
