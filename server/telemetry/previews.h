// The previews of running runs: the newest of each run, known while it runs,
// stored nowhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "queue/store.h"

namespace sheaf::server {

struct RunPreview {
  int step = 0;  // The preview was made after it.
  std::shared_ptr<const std::string> png;
  absl::Time time;
};

// Any thread.
class PreviewBoard {
 public:
  // Keeps previews of up to `bytes_max` bytes together; above that, the oldest
  // go.
  explicit PreviewBoard(size_t bytes_max = size_t{64} << 20)
      : bytes_max_(bytes_max) {}

  // Replaces the run's earlier preview.
  void Keep(RunId run, int step, std::string png, absl::Time now);
  std::optional<RunPreview> Find(RunId run) const;
  // The step of the run's preview; 0: there is none.
  int StepOf(RunId run) const;
  // Forgets the runs that the commit started or ended.
  void NoteCommit(const Committed& committed);

  size_t bytes() const;

 private:
  struct Kept {
    RunPreview preview;
    int64_t number = 0;  // As in by_age_.
  };

  void Drop(RunId run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t bytes_max_;
  mutable absl::Mutex mutex_;
  std::map<RunId, Kept> runs_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, RunId> by_age_ ABSL_GUARDED_BY(mutex_);
  int64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sheaf::server
