// The lock that keeps a second process out of a data directory.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace sheaf {

// Held as long as the object lives; gone with the process, however it ends.
class LockFile {
 public:
  // DATABASE_LOCKED, with the id of the process that has it.
  static absl::StatusOr<LockFile> Acquire(const std::string& path);

  LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace sheaf
