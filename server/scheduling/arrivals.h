// How often new runs come to wait, by what they ask for: learned from commits,
// stored nowhere.
//
// Owned by the server. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/store.h"

namespace sheaf::server {

class Arrivals {
 public:
  void NoteCommit(const Committed& committed, absl::Time now);
  // How many new runs came in a second, in lanes that differ from this one in
  // their owner alone, over the last half minute. Runs that came alone, or all
  // at once, give no rate: 0.
  double PerSecond(const Lane& lane, absl::Time now) const;

 private:
  struct Track {
    std::deque<std::pair<absl::Time, int64_t>> times;
    int64_t runs = 0;
  };

  mutable absl::Mutex mutex_;
  std::map<std::string, Track> tracks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
