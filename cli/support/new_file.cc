#include "cli/support/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/support/errors.h"

namespace sheaf::cli {

absl::StatusOr<NewFile> NewFile::Open(const std::string& path, bool overwrite) {
  NewFile file;
  const std::filesystem::path whole(path);
  file.path_ = path;
  file.name_ = whole.filename().string();
  file.temporary_ = absl::StrCat(".sheaf-", getpid(), ".part");
  if (file.name_.empty() || file.name_ == "." || file.name_ == "..") {
    return UsageError(absl::StrCat("'", path, "' is no file name"));
  }
  const std::string parent =
      whole.has_parent_path() ? whole.parent_path().string() : ".";
  file.directory_ = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file.directory_ < 0) return file.Fault();
  if (!overwrite && faccessat(file.directory_, file.name_.c_str(), F_OK,
                              AT_SYMLINK_NOFOLLOW) == 0) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, " exists already; --force replaces it"));
  }
  unlinkat(file.directory_, file.temporary_.c_str(), 0);
  file.guard_ =
      std::make_unique<TemporaryFileGuard>(file.directory_, file.temporary_);
  file.descriptor_ =
      openat(file.directory_, file.temporary_.c_str(),
             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file.descriptor_ < 0) return file.Fault();
  return file;
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      temporary_(std::move(other.temporary_)),
      directory_(std::exchange(other.directory_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      guard_(std::move(other.guard_)) {}

NewFile::~NewFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
    unlinkat(directory_, temporary_.c_str(), 0);
  }
  guard_.reset();
  if (directory_ >= 0) close(directory_);
}

absl::Status NewFile::Fault() const {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot write ", path_, ": ", std::strerror(errno)));
}

absl::Status NewFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Fault();
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status NewFile::Keep() {
  if (fsync(descriptor_) != 0 || renameat(directory_, temporary_.c_str(),
                                          directory_, name_.c_str()) != 0) {
    return Fault();
  }
  close(std::exchange(descriptor_, -1));
  return absl::OkStatus();
}

}  // namespace sheaf::cli
