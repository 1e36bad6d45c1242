// An open file, closed when it goes; and errno as a Status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sheaf::server {

// DISK_FULL for ENOSPC and its kin, otherwise STORE_UNAVAILABLE. `doing` is the
// first half of a sentence for callers ("cannot store the artifact"): no path.
absl::Status ErrnoStatus(int error, std::string_view doing);

// One thread at a time.
class PosixFile {
 public:
  PosixFile() = default;
  // Opens as open(2) does, but follows no links. errno is set where the file is
  // not open().
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
  // Writes everything down to the disk.
  absl::Status Sync();
  void Close();

 private:
  int fd_ = -1;
};

// Makes changes to the names in a directory durable.
absl::Status SyncDirectory(const std::string& path);

}  // namespace sheaf::server
