#include "queue/sqlite/disk/ballast.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/files.h"

namespace sheaf {

bool Ballast::Keep() {
  if (bytes_ == 0) return true;
  if (FileSize(path_) >= bytes_) return true;
  if (FreeBytes(path_) < 2 * bytes_) return false;
  const int fd =
      open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  // Blocks of its own, not a hole that has them only on paper.
  const bool made = posix_fallocate(fd, 0, bytes_) == 0;
  close(fd);
  if (!made) std::remove(path_.c_str());
  return made;
}

bool Ballast::Release() {
  return bytes_ > 0 && FileSize(path_) > 0 && std::remove(path_.c_str()) == 0;
}

}  // namespace sheaf
