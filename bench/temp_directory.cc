#include "bench/temp_directory.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>
#include <utility>

#include "absl/status/status.h"

namespace sheaf::bench {

TempDirectory::TempDirectory(std::string path) : path_(std::move(path)) {
  struct statfs info {};
  statfs(path_.c_str(), &info);
  in_memory_ = info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC;
}

absl::StatusOr<std::unique_ptr<TempDirectory>> TempDirectory::Make(
    const std::string& parent) {
  std::string path = parent + "/sheaf-bench-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    return absl::PermissionDeniedError("cannot make a folder in " + parent);
  }
  chmod(path.c_str(), 0755);  // the peer may run as another user
  return std::unique_ptr<TempDirectory>(new TempDirectory(path));
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sheaf::bench
