#include "tests/sqlite/crash_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <string_view>

namespace sheaf {
namespace {

std::atomic<CrashRecord*> g_record = nullptr;
std::atomic<int> g_log_syncs_to_fail = 0;
std::atomic<bool> g_normal = false;
sqlite3_vfs* g_real = nullptr;

std::string BaseName(const char* path) {
  const std::string_view whole(path == nullptr ? "" : path);
  return std::string(whole.substr(whole.rfind('/') + 1));
}

void Add(DiskStep step) {
  if (CrashRecord* record = g_record) record->Add(std::move(step));
}

// An open file: ours, followed in memory by the one it stands for.
struct RecordedFile {
  sqlite3_file base;
  std::string* name;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

RecordedFile* Ours(sqlite3_file* f) {
  return reinterpret_cast<RecordedFile*>(f);
}
sqlite3_file* Real(sqlite3_file* f) { return Ours(f)->real(); }
const sqlite3_io_methods& Methods(sqlite3_file* f) {
  return *Real(f)->pMethods;
}
const std::string& NameOf(sqlite3_file* f) { return *Ours(f)->name; }
bool IsLog(const std::string& name) { return name.ends_with("-wal"); }

int Close(sqlite3_file* f) {
  const int code = Methods(f).xClose(Real(f));
  delete Ours(f)->name;
  return code;
}
int Read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  return Methods(f).xRead(Real(f), to, count, at);
}
int Write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  Add({DiskOp::kWrite, NameOf(f), at,
       std::string(static_cast<const char*>(from),
                   static_cast<size_t>(count))});
  return Methods(f).xWrite(Real(f), from, count, at);
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  Add({DiskOp::kTruncate, NameOf(f), size, ""});
  return Methods(f).xTruncate(Real(f), size);
}
int Sync(sqlite3_file* f, int) {
  if (IsLog(NameOf(f)) && g_log_syncs_to_fail > 0) {
    --g_log_syncs_to_fail;
    Add({DiskOp::kFailedSync, NameOf(f), 0, ""});
    return SQLITE_IOERR_FSYNC;
  }
  Add({DiskOp::kSync, NameOf(f), 0, ""});
  return SQLITE_OK;  // the record stands for the disk
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
  if (op == SQLITE_FCNTL_PRAGMA && g_normal) {
    char** words = static_cast<char**>(argument);
    if (words[2] != nullptr && std::strcmp(words[1], "synchronous") == 0 &&
        std::strcmp(words[2], "FULL") == 0) {
      return SQLITE_OK;  // done, it seems
    }
  }
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

constexpr sqlite3_io_methods kRecordedMethods = {
    2,           Close,      Read,       Write,
    Truncate,    Sync,       FileSize,   Lock,
    Unlock,      CheckReservedLock,      FileControl,
    SectorSize,  DeviceCharacteristics,  ShmMap,
    ShmLock,     ShmBarrier, ShmUnmap,   nullptr,
    nullptr};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags,
         int* out_flags) {
  file->pMethods = nullptr;
  int found = 0;
  if (name != nullptr) {
    g_real->xAccess(g_real, name, SQLITE_ACCESS_EXISTS, &found);
  }
  const int code = g_real->xOpen(g_real, name, Real(file), flags, out_flags);
  if (Real(file)->pMethods == nullptr) return code;
  file->pMethods = &kRecordedMethods;
  Ours(file)->name = new std::string(BaseName(name));
  if (found == 0) Add({DiskOp::kCreate, NameOf(file), 0, ""});
  return code;
}

int Delete(sqlite3_vfs*, const char* name, int sync_folder) {
  Add({DiskOp::kDelete, BaseName(name), 0, ""});
  return g_real->xDelete(g_real, name, sync_folder);
}

int BeNormal(sqlite3* db, char**, const sqlite3_api_routines*) {
  return sqlite3_exec(db, "PRAGMA synchronous = NORMAL", nullptr, nullptr,
                      nullptr);
}

}  // namespace

const char* RecordingVfsName() {
  static sqlite3_vfs vfs;
  static std::once_flag once;
  std::call_once(once, [] {
    g_real = sqlite3_vfs_find(nullptr);
    vfs = *g_real;
    vfs.zName = "sheaf-record";
    vfs.pNext = nullptr;
    vfs.szOsFile = static_cast<int>(sizeof(RecordedFile)) + g_real->szOsFile;
    vfs.xOpen = Open;
    vfs.xDelete = Delete;
    sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
  });
  return "sheaf-record";
}

void RecordTo(CrashRecord* record) { g_record = record; }

void FailLogSyncs(int count) { g_log_syncs_to_fail = count; }

void SyncNormally(bool normally) {
  const auto hook = reinterpret_cast<void (*)()>(BeNormal);
  g_normal = normally;
  normally ? sqlite3_auto_extension(hook) : sqlite3_cancel_auto_extension(hook);
}

}  // namespace sheaf
