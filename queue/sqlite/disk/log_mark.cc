#include "queue/sqlite/disk/log_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "queue/error.h"

namespace sheaf {
namespace {

// "event 0000000000000001234\n": always as long, so that one write replaces it.
constexpr char kForm[] = "event %019lld\n";
constexpr size_t kBytes = 26;

int64_t ReadFrom(int fd) {
  char text[kBytes + 1] = {};
  long long sequence = 0;
  const ssize_t got = pread(fd, text, kBytes, 0);
  if (got != static_cast<ssize_t>(kBytes)) return 0;
  return std::sscanf(text, "event %lld", &sequence) == 1 ? sequence : 0;
}

absl::Status Lost(const std::string& path, int64_t stored, int64_t marked) {
  return Error(Reason::kStoreCorrupt,
               path + " knows events up to " + std::to_string(stored) +
                   ", but those up to " + std::to_string(marked) +
                   " were acknowledged: its log " + path +
                   "-wal was removed, cut or replaced. Put the log back, or "
                   "restore a backup. To go on without what is lost, remove " +
                   LogMarkPath(path));
}

}  // namespace

std::string LogMarkPath(const std::string& path) {
  return FolderOf(path) + "/sheaf.mark";
}

absl::StatusOr<LogMark> LogMark::Open(const std::string& path, int64_t stored) {
  LogMark mark;
  mark.fd_ = open(LogMarkPath(path).c_str(),
                  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (mark.fd_ < 0) return mark;  // without a warning, but not without a store
  const int64_t marked = ReadFrom(mark.fd_);
  if (marked > stored) return Lost(path, stored, marked);
  mark.Note(stored);
  return mark;
}

LogMark::~LogMark() {
  if (fd_ >= 0) close(fd_);
}

void LogMark::Note(int64_t sequence) {
  if (fd_ < 0 || sequence == sequence_) return;
  sequence_ = sequence;
  char text[kBytes + 1];
  std::snprintf(text, sizeof(text), kForm, static_cast<long long>(sequence));
  [[maybe_unused]] const ssize_t written = pwrite(fd_, text, kBytes, 0);
}

}  // namespace sheaf
