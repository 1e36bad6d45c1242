// How far the database had come, said outside of it: the number of the newest
// event that was acknowledged, in a small file beside it.
//
// The log holds the newest commits. Were it removed or cut after the server was
// killed, the database would open without them, whole and wrong; the mark is
// what tells. It is written, not synced, with each commit that has events: that
// survives the death of the process, and a commit costs no more than a
// microsecond for it. So it never claims what is not stored.
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

  // Events up to this one are stored. A disk that refuses is no reason to
  // refuse the commit.
  void Note(int64_t sequence);

 private:
  int fd_ = -1;
  int64_t sequence_ = 0;
};

}  // namespace sheaf
