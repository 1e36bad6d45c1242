// An open file, closed when it goes; and errno as a Status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sheaf::server {

// DISK_FULL for ENOSPC and its kin, else STORE_UNAVAILABLE. `doing` is the
// first half of a sentence for callers ("cannot store the artifact"): no path.
absl::Status ErrnoStatus(int error, std::string_view doing);

// One thread at a time.
class PosixFile {
 public:
  PosixFile() = default;
  // Of open(2); links are not followed. errno is set where it is not open().
  PosixFile(const std::string& path, int flags, int mode = 0);
  ~PosixFile();
  PosixFile(PosixFile&& other) noexcept;
  PosixFile& operator=(PosixFile&& other) noexcept;

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  absl::StatusOr<int64_t> Size() const;
  absl::Status WriteAll(std::string_view bytes);
  // At most `count` bytes from `offset`; fewer only at the end.
  absl::StatusOr<std::string> ReadAt(int64_t offset, size_t count) const;
  // Down to the disk.
  absl::Status Sync();
  void Close();

 private:
  int fd_ = -1;
};

// Makes what happened to the names in a directory last.
absl::Status SyncDirectory(const std::string& path);

}  // namespace sheaf::server
