#include "queue/sqlite/backup_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/sqlite/backup.h"

namespace sheaf {
namespace {

namespace fs = std::filesystem;

constexpr char kPartialPrefix[] = ".sheaf-backup-";
constexpr char kSum[] = ".sha256";
// Endings beside a database or backup: SQLite's, ours, and older versions'.
constexpr const char* kTakenEndings[] = {".partial", kSum,   "-journal",
                                         "-wal",     "-shm", ".restoring"};
constexpr size_t kSumDigits = 64;

// The folder's lock, which keeps other processes from naming backups there.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : fd_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  const int fd_;
};

bool IsThere(const std::string& path) {
  struct stat about;
  return lstat(path.c_str(), &about) == 0;
}

absl::Status Taken(const std::string& path) {
  return Error(Reason::kBackupExists, path + " exists");
}

// Whether the file is a sum as we write them: one that was left by a process
// that died before its backup had its name may be replaced.
bool IsSum(const std::string& path, const std::string& name) {
  struct stat about;
  if (lstat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return false;
  std::ifstream file(path);
  std::string sum, of;
  return file >> sum >> of && sum.size() == kSumDigits && of == name &&
         sum.find_first_not_of("0123456789abcdef") == std::string::npos;
}

absl::Status Link(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  if (errno == EEXIST) return Taken(to);
  return absl::UnavailableError("cannot name " + to + ": " +
                                std::strerror(errno));
}

absl::Status PutSum(const std::string& path, const std::string& partial,
                    const std::string& sha256) {
  const std::string name = fs::path(path).filename();
  const std::string mine = partial + kSum;
  SHEAF_RETURN_IF_ERROR(WriteNewFile(mine, sha256 + "  " + name + "\n"));
  const std::string theirs = path + kSum;
  absl::Status status;
  if (!IsThere(theirs)) {
    status = Link(mine, theirs);
  } else if (!IsSum(theirs, name)) {
    status = Taken(theirs);
  } else if (rename(mine.c_str(), theirs.c_str()) != 0) {
    status = absl::UnavailableError("cannot name " + theirs);
  }
  std::remove(mine.c_str());
  return status;
}

// The process in the name of a partial file; 0 where it names none.
pid_t MakerOf(const std::string& name) {
  if (name.rfind(kPartialPrefix, 0) != 0) return 0;
  return static_cast<pid_t>(
      std::atol(name.c_str() + std::strlen(kPartialPrefix)));
}

}  // namespace

absl::Status CheckBackupName(const std::string& name) {
  bool taken = name.empty() || name.front() == '.';
  for (const std::string ending : kTakenEndings) {
    taken = taken || name.ends_with(ending);
  }
  if (!taken) return absl::OkStatus();
  return InvalidArgument(
      {{"file_name",
        "must not begin with a dot, nor end in .partial, .sha256, .restoring, "
        "-journal, -wal or -shm: files beside backups are called so"}});
}

std::string NewPartialPath(const std::string& path) {
  static std::atomic<int> counter = 0;
  std::random_device random;
  const std::string name = kPartialPrefix + std::to_string(getpid()) + "-" +
                           std::to_string(++counter) + "-" +
                           std::to_string(random());
  return FolderOf(path) + "/" + name;
}

absl::Status NameBackup(const std::string& partial, const std::string& path,
                        const std::string& sha256) {
  const FolderLock lock(FolderOf(path));
  if (IsThere(path)) return Taken(path);
  SHEAF_RETURN_IF_ERROR(PutSum(path, partial, sha256));
  SHEAF_RETURN_IF_ERROR(SyncFolderOf(path));
  SHEAF_CRASH_POINT("mid-publish");
  if (absl::Status status = Link(partial, path); !status.ok()) {
    std::remove((path + kSum).c_str());
    return status;
  }
  return SyncFolderOf(path);
}

void RemoveWithCompanions(const std::string& partial) {
  for (const char* ending : {"", "-journal", "-wal", "-shm", kSum}) {
    std::remove((partial + ending).c_str());
  }
}

int SweepBackups(const std::string& folder) {
  int removed = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const pid_t maker = MakerOf(entry.path().filename());
    if (maker <= 0) continue;
    // This process has made none yet: a file with its number is of an earlier
    // one.
    const bool lives =
        maker != getpid() && (kill(maker, 0) == 0 || errno == EPERM);
    if (!lives && fs::remove(entry.path(), error)) ++removed;
  }
  return removed;
}

int CountBackups(const std::string& folder) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string path = entry.path();
    if (!path.ends_with(kSum)) continue;
    count += IsThere(path.substr(0, path.size() - std::strlen(kSum))) ? 1 : 0;
  }
  return count;
}

}  // namespace sheaf
