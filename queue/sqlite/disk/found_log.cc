#include "queue/sqlite/disk/found_log.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

namespace sheaf {
namespace {

// SQLite itself writes no more than this at once; its VFS takes no more than
// 128 KiB.
constexpr sqlite3_int64 kPieceBytes = 64 << 10;

void Check(int code) {
  if (code != SQLITE_OK) throw SQLite::Exception(sqlite3_errstr(code), code);
}

// A file of a VFS that closes itself.
class VfsFile {
 public:
  VfsFile(sqlite3_vfs* vfs, const char* name, int flags)
      : bytes_(static_cast<size_t>(vfs->szOsFile)) {
    Check(vfs->xOpen(vfs, name, get(), flags, nullptr));
  }
  ~VfsFile() { get()->pMethods->xClose(get()); }
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  const sqlite3_io_methods& methods() { return *get()->pMethods; }
  sqlite3_file* get() { return reinterpret_cast<sqlite3_file*>(bytes_.data()); }

 private:
  std::vector<char> bytes_;
};

}  // namespace

void RenewFoundLog(const std::string& given, const std::string& vfs) {
  // SQLite has the log beside the file that a link leads to.
  const std::string path = std::filesystem::weakly_canonical(given).string();
  sqlite3_vfs* files = sqlite3_vfs_find(vfs.empty() ? nullptr : vfs.c_str());
  // A VFS wants names in this form, which ties the files of a database
  // together.
  const std::unique_ptr<const char, void (*)(const char*)> name(
      sqlite3_create_filename(path.c_str(), (path + "-journal").c_str(),
                              (path + "-wal").c_str(), 0, nullptr),
      [](const char* made) { sqlite3_free_filename(const_cast<char*>(made)); });
  const char* log_name = sqlite3_filename_wal(name.get());
  int found = 0;
  Check(files->xAccess(files, log_name, SQLITE_ACCESS_EXISTS, &found));
  if (found == 0) return;
  VfsFile log(files, log_name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL);
  sqlite3_int64 size = 0;
  Check(log.methods().xFileSize(log.get(), &size));
  std::vector<char> piece(static_cast<size_t>(std::min(size, kPieceBytes)));
  for (sqlite3_int64 at = 0; at < size; at += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, size - at));
    Check(log.methods().xRead(log.get(), piece.data(), count, at));
    const int code = log.methods().xWrite(log.get(), piece.data(), count, at);
    // Some disks need room to write in place. Without it the log stays as it
    // is: the server must start, so that somebody can make some.
    if (code == SQLITE_FULL) return;
    Check(code);
  }
  if (size > 0) Check(log.methods().xSync(log.get(), SQLITE_SYNC_NORMAL));
}

}  // namespace sheaf
