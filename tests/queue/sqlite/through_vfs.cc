#include "tests/queue/sqlite/through_vfs.h"

#include <string_view>

namespace sheaf {
namespace {

// Our open file; the real one follows it in memory.
struct File {
  sqlite3_file base;
  std::string* name;
};

File* Ours(sqlite3_file* f) { return reinterpret_cast<File*>(f); }

int Close(sqlite3_file* f) {
  const int code = RealMethods(f).xClose(RealFile(f));
  delete Ours(f)->name;
  return code;
}
int Read(sqlite3_file* f, void* to, int count, sqlite3_int64 at) {
  return RealMethods(f).xRead(RealFile(f), to, count, at);
}
int Write(sqlite3_file* f, const void* from, int count, sqlite3_int64 at) {
  return RealMethods(f).xWrite(RealFile(f), from, count, at);
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  return RealMethods(f).xTruncate(RealFile(f), size);
}
int Sync(sqlite3_file* f, int flags) {
  return RealMethods(f).xSync(RealFile(f), flags);
}
int FileSize(sqlite3_file* f, sqlite3_int64* size) {
  return RealMethods(f).xFileSize(RealFile(f), size);
}
int Lock(sqlite3_file* f, int level) {
  return RealMethods(f).xLock(RealFile(f), level);
}
int Unlock(sqlite3_file* f, int level) {
  return RealMethods(f).xUnlock(RealFile(f), level);
}
int CheckReservedLock(sqlite3_file* f, int* held) {
  return RealMethods(f).xCheckReservedLock(RealFile(f), held);
}
int FileControl(sqlite3_file* f, int op, void* argument) {
  return RealMethods(f).xFileControl(RealFile(f), op, argument);
}
int SectorSize(sqlite3_file* f) {
  return RealMethods(f).xSectorSize(RealFile(f));
}
int DeviceCharacteristics(sqlite3_file* f) {
  return RealMethods(f).xDeviceCharacteristics(RealFile(f));
}
int ShmMap(sqlite3_file* f, int page, int size, int extend,
           void volatile** at) {
  return RealMethods(f).xShmMap(RealFile(f), page, size, extend, at);
}
int ShmLock(sqlite3_file* f, int offset, int count, int flags) {
  return RealMethods(f).xShmLock(RealFile(f), offset, count, flags);
}
void ShmBarrier(sqlite3_file* f) { RealMethods(f).xShmBarrier(RealFile(f)); }
int ShmUnmap(sqlite3_file* f, int remove) {
  return RealMethods(f).xShmUnmap(RealFile(f), remove);
}

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
         int* out_flags) {
  const auto& through = *static_cast<const ThroughVfs*>(vfs->pAppData);
  sqlite3_vfs* real = through.real;
  file->pMethods = nullptr;
  int found = 1;
  if (name != nullptr && through.on_create != nullptr) {
    real->xAccess(real, name, SQLITE_ACCESS_EXISTS, &found);
  }
  const int code = real->xOpen(real, name, RealFile(file), flags, out_flags);
  if (RealFile(file)->pMethods == nullptr) return code;
  file->pMethods = &through.methods;
  Ours(file)->name = new std::string(BaseName(name));
  if (found == 0) through.on_create(NameOfFile(file));
  return code;
}

}  // namespace

sqlite3_file* RealFile(sqlite3_file* ours) {
  return reinterpret_cast<sqlite3_file*>(Ours(ours) + 1);
}

const sqlite3_io_methods& RealMethods(sqlite3_file* ours) {
  return *RealFile(ours)->pMethods;
}

const std::string& NameOfFile(sqlite3_file* ours) { return *Ours(ours)->name; }

std::string BaseName(const char* path) {
  const std::string_view whole(path == nullptr ? "" : path);
  return std::string(whole.substr(whole.rfind('/') + 1));
}

void PassThrough(const char* name, ThroughVfs* through) {
  through->real = sqlite3_vfs_find(nullptr);
  // Copy the rest of the real VFS: its methods do not look at which VFS is
  // asked.
  through->vfs = *through->real;
  through->vfs.zName = name;
  through->vfs.pNext = nullptr;
  through->vfs.pAppData = through;
  through->vfs.szOsFile =
      static_cast<int>(sizeof(File)) + through->real->szOsFile;
  through->vfs.xOpen = Open;
  through->methods = {2,
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
}

}  // namespace sheaf
