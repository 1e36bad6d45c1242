#include "server/process/data_directory.h"

#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/blobs/posix_file.h"

namespace sheaf::server {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

absl::Status Refuse(const std::string& path, const std::string& why) {
  return absl::UnavailableError(
      absl::StrCat("cannot use ", path, " as the data directory: ", why));
}

std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Makes the directory and its parents. Each new name is on the disk before
// anything is made under it.
absl::Status Make(const std::string& path) {
  if (mkdir(path.c_str(), S_IRWXU) == 0) return SyncDirectory(ParentOf(path));
  if (errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT || ParentOf(path) == path) {
    return Refuse(path, strerror(errno));
  }
  SHEAF_RETURN_IF_ERROR(Make(ParentOf(path)));
  return Make(path);
}

bool IsOursOrRoots(const struct stat& info) {
  return info.st_uid == geteuid() || info.st_uid == 0;
}

// Refuses a path that everybody, or another user's link, may lead elsewhere.
absl::Status CheckWayTo(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode) &&
      !IsOursOrRoots(info)) {
    return Refuse(path, "it is a link that another user has made");
  }
  const std::unique_ptr<char, void (*)(void*)> real(
      realpath(path.c_str(), nullptr), std::free);
  if (!real) return Refuse(path, strerror(errno));
  std::string above = real.get();
  while (above != "/") {
    above = ParentOf(above);
    if (stat(above.c_str(), &info) != 0) return Refuse(path, strerror(errno));
    if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0) {
      return Refuse(path, absl::StrCat("everybody may rename the contents of ",
                                       above, "; chmod o-w it"));
    }
  }
  return absl::OkStatus();
}

// Takes the rights of group and others away from a file of ours.
void Narrow(const FTSENT& entry) {
  const struct stat& info = *entry.fts_statp;
  if (info.st_uid != geteuid() || (info.st_mode & kOthers) == 0) return;
  const PosixFile file(entry.fts_accpath, O_RDONLY | O_NONBLOCK);
  struct stat now;
  // A file that has got a second name meanwhile is not ours to change.
  if (file.open() && fstat(file.fd(), &now) == 0 && now.st_ino == info.st_ino &&
      (S_ISDIR(now.st_mode) || now.st_nlink == 1)) {
    fchmod(file.fd(), now.st_mode & ~kOthers & 07777);
  }
}

void NarrowAll(const std::string& path) {
  char* paths[] = {const_cast<char*>(path.c_str()), nullptr};
  const std::unique_ptr<FTS, int (*)(FTS*)> tree(
      fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr),
      fts_close);
  if (!tree) return;
  while (const FTSENT* entry = fts_read(tree.get())) {
    if (entry->fts_info == FTS_D || entry->fts_info == FTS_F) Narrow(*entry);
  }
}

}  // namespace

absl::Status PrepareDataDirectory(
    const std::string& path,
    const std::function<void(const std::string&)>& log) {
  SHEAF_RETURN_IF_ERROR(Make(path));
  SHEAF_RETURN_IF_ERROR(CheckWayTo(path));
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Refuse(path, strerror(errno));
  if (!S_ISDIR(info.st_mode)) return Refuse(path, "it is not a directory");
  if (info.st_uid != geteuid()) {
    return Refuse(path, absl::StrCat("it belongs to user ", info.st_uid,
                                     ", and the server is user ", geteuid()));
  }
  if ((info.st_mode & kOthers) == 0) return absl::OkStatus();
  if (chmod(path.c_str(), info.st_mode & ~kOthers & 07777) != 0) {
    return Refuse(
        path,
        absl::StrCat(
            "other users may enter it, and its permissions cannot be changed: ",
            strerror(errno)));
  }
  NarrowAll(path);
  log(absl::StrCat(path,
                   " could be entered by other users; now it and its contents "
                   "are for the server's user alone"));
  return absl::OkStatus();
}

}  // namespace sheaf::server
