#include "tests/sqlite/fault_vfs.h"

#include <sqlite3.h>

#include <cstring>
#include <mutex>

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

// An open file: ours, followed in memory by the one it stands for.
struct FaultFile {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* Ours(sqlite3_file* file) {
  return reinterpret_cast<FaultFile*>(file);
}
sqlite3_file* Real(sqlite3_file* file) { return Ours(file)->real(); }
const sqlite3_io_methods& Methods(sqlite3_file* file) {
  return *Real(file)->pMethods;
}

int Close(sqlite3_file* f) { return Methods(f).xClose(Real(f)); }
int Read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  const int fault = FaultFor(FaultOn::kRead, SQLITE_IOERR_READ);
  if (fault != SQLITE_OK) return SQLITE_IOERR_READ;
  return Methods(f).xRead(Real(f), to, count, at);
}
int Write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  const int fault = FaultFor(FaultOn::kWrite, SQLITE_IOERR_WRITE);
  if (fault != SQLITE_OK) {
    // As disks do: some of it may be there.
    if (count > 1) Methods(f).xWrite(Real(f), from, count / 2, at);
    return fault;
  }
  return Methods(f).xWrite(Real(f), from, count, at);
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  return Methods(f).xTruncate(Real(f), size);
}
int Sync(sqlite3_file* f, int flags) {
  const int fault = FaultFor(FaultOn::kSync, SQLITE_IOERR_FSYNC);
  return fault != SQLITE_OK ? SQLITE_IOERR_FSYNC
                            : Methods(f).xSync(Real(f), flags);
}
int FileSize(sqlite3_file* f, sqlite3_int64* size) {
  return Methods(f).xFileSize(Real(f), size);
}
int Lock(sqlite3_file* f, int level) {
  return Methods(f).xLock(Real(f), level);
}
int Unlock(sqlite3_file* f, int level) {
  return Methods(f).xUnlock(Real(f), level);
}
int CheckReservedLock(sqlite3_file* f, int* held) {
  return Methods(f).xCheckReservedLock(Real(f), held);
}
int FileControl(sqlite3_file* f, int op, void* argument) {
  return Methods(f).xFileControl(Real(f), op, argument);
}
int SectorSize(sqlite3_file* f) { return Methods(f).xSectorSize(Real(f)); }
int DeviceCharacteristics(sqlite3_file* f) {
  return Methods(f).xDeviceCharacteristics(Real(f));
}
int ShmMap(sqlite3_file* f, int page, int size, int extend,
           void volatile** at) {
  return Methods(f).xShmMap(Real(f), page, size, extend, at);
}
int ShmLock(sqlite3_file* f, int offset, int count, int flags) {
  return Methods(f).xShmLock(Real(f), offset, count, flags);
}
void ShmBarrier(sqlite3_file* f) { Methods(f).xShmBarrier(Real(f)); }
int ShmUnmap(sqlite3_file* f, int remove) {
  return Methods(f).xShmUnmap(Real(f), remove);
}

constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

sqlite3_vfs* g_real = nullptr;

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags,
         int* out_flags) {
  file->pMethods = nullptr;
  const int code = g_real->xOpen(g_real, name, Real(file), flags, out_flags);
  if (Real(file)->pMethods != nullptr) file->pMethods = &kMethods;
  return code;
}

}  // namespace

const char* FaultVfsName() {
  static sqlite3_vfs vfs;
  static std::once_flag once;
  std::call_once(once, [] {
    g_real = sqlite3_vfs_find(nullptr);
    // All else as the real one: its methods do not look at which VFS is asked.
    vfs = *g_real;
    vfs.zName = "sheaf-fault";
    vfs.pNext = nullptr;
    vfs.szOsFile = static_cast<int>(sizeof(FaultFile)) + g_real->szOsFile;
    vfs.xOpen = Open;
    sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
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
