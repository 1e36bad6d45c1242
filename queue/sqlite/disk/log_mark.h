// A mark outside of the database of how far it had come: the number of the
// newest event that was acknowledged, in a small file beside it.
//
// The log holds the newest commits. If it were removed or cut after the server
// was killed, the database would open without them, whole and wrong. The mark
// reveals this. It is written, not synced, after each commit that has events.
// So it survives the death of the process, costs a commit no more than a
// microsecond, and never claims an event that is not stored.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace sheaf {

// Returns the mark's path for the database at `path`: its folder's sheaf.mark.
std::string LogMarkPath(const std::string& path);

// Used by one thread at a time.
class LogMark {
 public:
  // Opens the mark of the database at `path`, which knows events up to
  // `stored`, or makes one. STORE_CORRUPT where more were acknowledged: the
  // message says how many are gone and how to go on without them.
  static absl::StatusOr<LogMark> Open(const std::string& path, int64_t stored);

  LogMark() = default;  // of nothing
  LogMark(LogMark&& other) noexcept { *this = std::move(other); }
  LogMark& operator=(LogMark&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(sequence_, other.sequence_);
    return *this;
  }
  ~LogMark();

  // Notes that events up to this one are stored. If the disk refuses the note,
  // that is no reason to refuse the commit.
  void Note(int64_t sequence);

 private:
  int fd_ = -1;
  int64_t sequence_ = 0;
};

}  // namespace sheaf
