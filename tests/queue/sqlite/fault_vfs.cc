#include "tests/queue/sqlite/fault_vfs.h"

#include <mutex>

#include "tests/queue/sqlite/through_vfs.h"

namespace sheaf {
namespace {

std::mutex g_mutex;
FaultPlan g_plan;
int64_t g_seen = 0;
int64_t g_injected = 0;

bool Covers(FaultOn on, FaultOn call) {
  if (on == FaultOn::kWriteOrSync) {
    return call == FaultOn::kWrite || call == FaultOn::kSync;
  }
  return on == call;
}

// The code to fail this call with, or SQLITE_OK.
int FaultFor(FaultOn call, int io_error) {
  std::lock_guard lock(g_mutex);
  if (!Covers(g_plan.on, call)) return SQLITE_OK;
  ++g_seen;
  if (g_seen < g_plan.at || g_seen >= g_plan.at + g_plan.failures) {
    return SQLITE_OK;
  }
  ++g_injected;
  return g_plan.with == FaultWith::kDiskFull ? SQLITE_FULL : io_error;
}

int Read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  const int fault = FaultFor(FaultOn::kRead, SQLITE_IOERR_READ);
  if (fault != SQLITE_OK) return SQLITE_IOERR_READ;
  return RealMethods(f).xRead(RealFile(f), to, count, at);
}
int Write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  const int fault = FaultFor(FaultOn::kWrite, SQLITE_IOERR_WRITE);
  if (fault != SQLITE_OK) {
    // Like a disk, write some of the bytes.
    if (count > 1) RealMethods(f).xWrite(RealFile(f), from, count / 2, at);
    return fault;
  }
  return RealMethods(f).xWrite(RealFile(f), from, count, at);
}
int Sync(sqlite3_file* f, int flags) {
  const int fault = FaultFor(FaultOn::kSync, SQLITE_IOERR_FSYNC);
  return fault != SQLITE_OK ? SQLITE_IOERR_FSYNC
                            : RealMethods(f).xSync(RealFile(f), flags);
}

}  // namespace

const char* FaultVfsName() {
  static ThroughVfs vfs;
  static std::once_flag once;
  std::call_once(once, [] {
    PassThrough("sheaf-fault", &vfs);
    vfs.methods.xRead = Read;
    vfs.methods.xWrite = Write;
    vfs.methods.xSync = Sync;
    sqlite3_vfs_register(&vfs.vfs, /*makeDflt=*/0);
  });
  return "sheaf-fault";
}

void SetFaultPlan(const FaultPlan& plan) {
  std::lock_guard lock(g_mutex);
  g_plan = plan;
  g_seen = g_injected = 0;
}

int64_t FaultCallsSeen() {
  std::lock_guard lock(g_mutex);
  return g_seen;
}

int64_t FaultsInjected() {
  std::lock_guard lock(g_mutex);
  return g_injected;
}

}  // namespace sheaf
