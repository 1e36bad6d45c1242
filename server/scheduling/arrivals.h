// How often new runs come to wait, by what they ask for: learned from commits,
// stored nowhere.
//
// Owned by the server. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
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
  // When the hope for the next one is over: after three times the pause that
  // has lain between two of them.
  absl::Time ExpectedBy(const Lane& lane, absl::Time now) const;

 private:
  struct Track {
    std::deque<std::pair<absl::Time, int64_t>> times;
    int64_t runs = 0;
  };
  // The arrivals of the last half minute.
  struct Recent {
    absl::Time first, last;
    int64_t arrivals = 0;
    int64_t runs = 0;
    int64_t runs_of_first = 0;
  };
  std::optional<Recent> RecentOf(const Lane& lane, absl::Time now) const;

  mutable absl::Mutex mutex_;
  std::map<std::string, Track> tracks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
