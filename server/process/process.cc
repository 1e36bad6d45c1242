#include "server/process/process.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace sheaf::server {
namespace {

// The limit of open files that a process has if nobody sets another.
constexpr int kUsualFiles = 1024;

}  // namespace

void PrepareProcess() {
  umask(0077);
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int FileLimit() {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kUsualFiles;
  return static_cast<int>(
      std::min<rlim_t>(files.rlim_cur, std::numeric_limits<int>::max()));
}

}  // namespace sheaf::server
