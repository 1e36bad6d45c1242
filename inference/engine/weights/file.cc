#include "inference/engine/weights/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/weights/mapped_file.h"

namespace sheaf::engine {
namespace {

absl::Status WriteError(const std::string& path) {
  return absl::UnavailableError(
      absl::StrCat(path, ": write: ", std::strerror(errno)));
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t size_max) {
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
      static_cast<size_t>(status.st_size) > size_max) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", static_cast<int64_t>(status.st_size),
                     " bytes, more than ", size_max));
  }
  SHEAF_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
                         MappedFile::Open(path, MappedFile::Mode::kCopy));
  return std::string(reinterpret_cast<const char*>(file->data()), file->size());
}

absl::Status WriteFile(const std::string& path, std::string_view bytes) {
  const std::string part = absl::StrCat(path, ".part");
  const int fd =
      open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return WriteError(part);
  const bool written = WriteAll(fd, bytes) && fsync(fd) == 0;
  const absl::Status error = written ? absl::OkStatus() : WriteError(part);
  close(fd);
  if (error.ok() && rename(part.c_str(), path.c_str()) == 0) return error;
  const absl::Status result = error.ok() ? WriteError(path) : error;
  unlink(part.c_str());
  return result;
}

}  // namespace sheaf::engine
