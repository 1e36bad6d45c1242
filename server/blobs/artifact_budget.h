// Limits how much of the disk artifacts may take: the total bytes that the
// configuration allows, where it sets a limit, and never the last of the disk,
// which the database needs.
//
// Each artifact counts for its bytes and for kEach more, the cost of the
// smallest one. Counted in memory; the rows are counted once, at the start.
// Owned by the server. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace sheaf::server {

struct DiskSpace {
  int64_t size = 0;
  int64_t free = 0;  // for us
};
// Space of the file system that `path` is in. Zeros where it cannot be told.
DiskSpace SpaceAt(const std::string& path);

class ArtifactBudget {
 public:
  static constexpr int64_t kEach = 4096;
  // A twentieth of the disk stays free, but at most this much.
  static constexpr int64_t kReserveMax = int64_t{1} << 30;

  // `total_max`: 0 is any number of bytes. `space` is asked at every Grow.
  ArtifactBudget(int64_t total_max, std::function<DiskSpace()> space);

  // An upload's share of the bytes, given back when it is destroyed.
  class Share {
   public:
    Share() = default;
    explicit Share(ArtifactBudget* budget) : budget_(budget) {}
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    ~Share() { Give(); }

    // Adds `bytes` to the share. After ARTIFACTS_FULL nothing has changed.
    absl::Status Grow(int64_t bytes);

   private:
    void Give();

    ArtifactBudget* budget_ = nullptr;
    int64_t bytes_ = 0;
  };

  // Counts artifacts that were stored; negative numbers count removed ones.
  void Add(int64_t count, int64_t bytes);

  // Bytes counted for stored artifacts and for uploads under way.
  int64_t taken() const;

 private:
  absl::Status Grow(int64_t bytes);

  const int64_t total_max_;
  const std::function<DiskSpace()> space_;
  mutable absl::Mutex mutex_;
  int64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sheaf::server
