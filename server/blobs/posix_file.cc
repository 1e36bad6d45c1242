#include "server/blobs/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "queue/error.h"

namespace sheaf::server {

absl::Status ErrnoStatus(int error, std::string_view doing) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return Error(full ? Reason::kDiskFull : Reason::kStoreUnavailable,
               std::string(doing) + ": " + std::strerror(error));
}

PosixFile::PosixFile(const std::string& path, int flags, int mode)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)) {}

PosixFile::~PosixFile() { Close(); }

PosixFile::PosixFile(PosixFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

PosixFile& PosixFile::operator=(PosixFile&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

absl::StatusOr<int64_t> PosixFile::Size() const {
  struct stat facts;
  if (::fstat(fd_, &facts) != 0) return ErrnoStatus(errno, "cannot look");
  return facts.st_size;
}

absl::Status PosixFile::WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "cannot write");
    bytes.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PosixFile::ReadAt(int64_t offset,
                                              size_t count) const {
  std::string bytes(count, '\0');
  size_t have = 0;
  while (have < count) {
    const ssize_t got =
        ::pread(fd_, bytes.data() + have, count - have, offset + have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "cannot read");
    if (got == 0) break;
    have += got;
  }
  bytes.resize(have);
  return bytes;
}

absl::Status PosixFile::Sync() {
  if (::fsync(fd_) != 0) return ErrnoStatus(errno, "cannot sync");
  return absl::OkStatus();
}

void PosixFile::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

absl::Status SyncDirectory(const std::string& path) {
  PosixFile directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.open()) return ErrnoStatus(errno, "cannot open a directory");
  return directory.Sync();
}

}  // namespace sheaf::server
