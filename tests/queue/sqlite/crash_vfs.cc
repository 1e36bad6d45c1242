#include "tests/queue/sqlite/crash_vfs.h"

#include <atomic>
#include <cstring>
#include <mutex>

#include "tests/queue/sqlite/through_vfs.h"

namespace sheaf {
namespace {

std::atomic<CrashRecord*> g_record = nullptr;
std::atomic<int> g_log_syncs_to_fail = 0;
std::atomic<int> g_database_syncs_to_fail = 0;
std::atomic<bool> g_normal = false;
ThroughVfs g_vfs;

void Add(DiskStep step) {
  if (CrashRecord* record = g_record) record->Add(std::move(step));
}

bool IsLog(const std::string& name) { return name.ends_with("-wal"); }

int Write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  Add({DiskOp::kWrite, NameOfFile(f), at,
       std::string(static_cast<const char*>(from),
                   static_cast<size_t>(count))});
  return RealMethods(f).xWrite(RealFile(f), from, count, at);
}

int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  Add({DiskOp::kTruncate, NameOfFile(f), size, ""});
  return RealMethods(f).xTruncate(RealFile(f), size);
}

int Sync(sqlite3_file* f, int) {
  std::atomic<int>& to_fail =
      IsLog(NameOfFile(f)) ? g_log_syncs_to_fail : g_database_syncs_to_fail;
  if (to_fail > 0) {
    --to_fail;
    Add({DiskOp::kFailedSync, NameOfFile(f), 0, ""});
    return SQLITE_IOERR_FSYNC;
  }
  Add({DiskOp::kSync, NameOfFile(f), 0, ""});
  return SQLITE_OK;  // the record stands for the disk
}

int FileControl(sqlite3_file* f, int op, void* argument) {
  if (op == SQLITE_FCNTL_PRAGMA && g_normal) {
    char** words = static_cast<char**>(argument);
    if (words[2] != nullptr && std::strcmp(words[1], "synchronous") == 0 &&
        std::strcmp(words[2], "FULL") == 0) {
      return SQLITE_OK;  // done, it seems
    }
  }
  return RealMethods(f).xFileControl(RealFile(f), op, argument);
}

void NoteCreated(const std::string& name) {
  Add({DiskOp::kCreate, name, 0, ""});
}

int Delete(sqlite3_vfs*, const char* name, int sync_folder) {
  Add({DiskOp::kDelete, BaseName(name), 0, ""});
  return g_vfs.real->xDelete(g_vfs.real, name, sync_folder);
}

int BeNormal(sqlite3* db, char**, const sqlite3_api_routines*) {
  return sqlite3_exec(db, "PRAGMA synchronous = NORMAL", nullptr, nullptr,
                      nullptr);
}

}  // namespace

const char* RecordingVfsName() {
  static std::once_flag once;
  std::call_once(once, [] {
    PassThrough("sheaf-record", &g_vfs);
    g_vfs.methods.xWrite = Write;
    g_vfs.methods.xTruncate = Truncate;
    g_vfs.methods.xSync = Sync;
    g_vfs.methods.xFileControl = FileControl;
    g_vfs.on_create = NoteCreated;
    g_vfs.vfs.xDelete = Delete;
    sqlite3_vfs_register(&g_vfs.vfs, /*makeDflt=*/0);
  });
  return "sheaf-record";
}

void RecordTo(CrashRecord* record) { g_record = record; }

void FailLogSyncs(int count) { g_log_syncs_to_fail = count; }
void FailDatabaseSyncs(int count) { g_database_syncs_to_fail = count; }

void SyncNormally(bool normally) {
  const auto hook = reinterpret_cast<void (*)()>(BeNormal);
  g_normal = normally;
  normally ? sqlite3_auto_extension(hook) : sqlite3_cancel_auto_extension(hook);
}

}  // namespace sheaf
