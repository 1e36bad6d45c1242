// The second half of crash_vfs.h: files in memory.
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "tests/queue/sqlite/crash_vfs.h"

namespace sheaf {
namespace {

Files* g_files = nullptr;

struct ImageFile {
  sqlite3_file base;
  std::string* bytes;
};

std::string& BytesOf(sqlite3_file* f) {
  return *reinterpret_cast<ImageFile*>(f)->bytes;
}

int Close(sqlite3_file*) { return SQLITE_OK; }
int Read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  const std::string& bytes = BytesOf(f);
  const int64_t there = static_cast<int64_t>(bytes.size()) - at;
  const int got =
      static_cast<int>(std::clamp<int64_t>(there, 0, int64_t{count}));
  if (got > 0) std::memcpy(to, bytes.data() + at, static_cast<size_t>(got));
  if (got == count) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + got, 0,
              static_cast<size_t>(count - got));
  return SQLITE_IOERR_SHORT_READ;
}
int Write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  std::string& bytes = BytesOf(f);
  const size_t end = static_cast<size_t>(at + count);
  if (bytes.size() < end) bytes.resize(end);
  std::memcpy(bytes.data() + at, from, static_cast<size_t>(count));
  return SQLITE_OK;
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  BytesOf(f).resize(static_cast<size_t>(size));
  return SQLITE_OK;
}
int Sync(sqlite3_file*, int) { return SQLITE_OK; }
int FileSize(sqlite3_file* f, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(BytesOf(f).size());
  return SQLITE_OK;
}
int Lock(sqlite3_file*, int) { return SQLITE_OK; }
int CheckReservedLock(sqlite3_file*, int* held) {
  *held = 0;
  return SQLITE_OK;
}
int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int SectorSize(sqlite3_file*) { return 4096; }
int DeviceCharacteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;  // as the default one says
}

constexpr sqlite3_io_methods kImageMethods = {1,
                                              Close,
                                              Read,
                                              Write,
                                              Truncate,
                                              Sync,
                                              FileSize,
                                              Lock,
                                              Lock,
                                              CheckReservedLock,
                                              FileControl,
                                              SectorSize,
                                              DeviceCharacteristics,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr,
                                              nullptr};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags,
         int* out_flags) {
  file->pMethods = nullptr;
  if (name == nullptr || g_files == nullptr) return SQLITE_CANTOPEN;
  auto at = g_files->find(name);
  if (at == g_files->end()) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    at = g_files->emplace(name, "").first;
  }
  reinterpret_cast<ImageFile*>(file)->bytes = &at->second;
  file->pMethods = &kImageMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}
int Delete(sqlite3_vfs*, const char* name, int) {
  g_files->erase(name);
  return SQLITE_OK;
}
int Access(sqlite3_vfs*, const char* name, int, int* found) {
  const auto at = g_files->find(name);
  *found = at != g_files->end() && !at->second.empty();
  return SQLITE_OK;
}
int FullPathname(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

}  // namespace

const char* ImageVfsName() {
  static sqlite3_vfs vfs;
  static std::once_flag once;
  std::call_once(once, [] {
    vfs = *sqlite3_vfs_find(nullptr);
    vfs.zName = "sheaf-image";
    vfs.pNext = nullptr;
    vfs.szOsFile = static_cast<int>(sizeof(ImageFile));
    vfs.xOpen = Open;
    vfs.xDelete = Delete;
    vfs.xAccess = Access;
    vfs.xFullPathname = FullPathname;
    sqlite3_vfs_register(&vfs, /*makeDflt=*/0);
  });
  return "sheaf-image";
}

void ShowImage(Files* files) { g_files = files; }

}  // namespace sheaf
