#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"

namespace sheaf {
namespace {

constexpr size_t kChunkBytes = 1 << 20;

// A file descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

absl::Status Failed(const std::string& what, const std::string& path) {
  return absl::UnavailableError("cannot " + what + " " + path + ": " +
                                std::strerror(errno));
}

absl::Status WriteAll(const File& file, std::string_view bytes,
                      const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file.fd(), bytes.data(), bytes.size());
    if (written < 0) return Failed("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Calls `use` with each chunk of the file.
template <class Use>
absl::Status ForEachChunk(const std::string& path, Use use) {
  const File file(path, O_RDONLY);
  if (!file.ok()) return Failed("open", path);
  std::vector<char> chunk(kChunkBytes);
  while (true) {
    const ssize_t got = read(file.fd(), chunk.data(), chunk.size());
    if (got < 0) return Failed("read", path);
    if (got == 0) return absl::OkStatus();
    SHEAF_RETURN_IF_ERROR(
        use(std::string_view(chunk.data(), static_cast<size_t>(got))));
  }
}

}  // namespace

absl::Status SyncFile(const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file.ok() || fsync(file.fd()) != 0) return Failed("sync", path);
  return absl::OkStatus();
}

absl::Status SyncFolderOf(const std::string& path) {
  return SyncFile(FolderOf(path));
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

absl::Status WriteFileDurably(const std::string& path, std::string_view text) {
  const std::string partial = path + ".partial";
  {
    const File file(partial, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.ok()) return Failed("create", partial);
    SHEAF_RETURN_IF_ERROR(WriteAll(file, text, partial));
    if (fsync(file.fd()) != 0) return Failed("sync", partial);
  }
  if (rename(partial.c_str(), path.c_str()) != 0) return Failed("name", path);
  return SyncFolderOf(path);
}

absl::Status WriteNewFile(const std::string& path, std::string_view text) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (!file.ok()) return Failed("create", path);
  SHEAF_RETURN_IF_ERROR(WriteAll(file, text, path));
  if (fsync(file.fd()) != 0) return Failed("sync", path);
  return absl::OkStatus();
}

absl::Status CopyFileDurably(const std::string& from, const std::string& to) {
  const File target(to, O_WRONLY | O_CREAT | O_EXCL);
  if (!target.ok()) return Failed("create", to);
  SHEAF_RETURN_IF_ERROR(ForEachChunk(from, [&](std::string_view chunk) {
    return WriteAll(target, chunk, to);
  }));
  if (fsync(target.fd()) != 0) return Failed("sync", to);
  return SyncFolderOf(to);
}

absl::StatusOr<std::string> Sha256OfFile(const std::string& path) {
  Sha256 sha;
  SHEAF_RETURN_IF_ERROR(ForEachChunk(path, [&](std::string_view chunk) {
    sha.Update(chunk);
    return absl::OkStatus();
  }));
  return sha.FinishHex();
}

int64_t FileSize(const std::string& path) {
  struct stat about;
  return stat(path.c_str(), &about) == 0 ? about.st_size : 0;
}

int64_t FreeBytes(const std::string& path) {
  struct statvfs disk;
  if (statvfs(FolderOf(path).c_str(), &disk) != 0) {
    return std::numeric_limits<int64_t>::max();
  }
  return static_cast<int64_t>(disk.f_bavail) *
         static_cast<int64_t>(disk.f_frsize);
}

void GiveToOwner(const std::string& folder) {
  struct stat owner;
  if (geteuid() != 0 || stat(folder.c_str(), &owner) != 0) return;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.rfind("sheaf.", 0) != 0) continue;
    const int fd = open(entry->path().c_str(),
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) continue;
    struct stat file;
    // A file with a second name is perhaps not of this folder: the folder's
    // owner may have linked to it.
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == 0 &&
        file.st_nlink == 1) {
      [[maybe_unused]] const int given = fchown(fd, owner.st_uid, owner.st_gid);
    }
    close(fd);
  }
}

bool IsOnNetwork(const std::string& path) {
  // NFS, SMB, CIFS, SMB2, AFS, Ceph: as statfs(2) numbers them.
  constexpr uint32_t kNetworks[] = {0x6969,     0x517B,     0xFF534D42,
                                    0xFE534D42, 0x5346414F, 0x00C36400};
  struct statfs about;
  if (statfs(path.c_str(), &about) != 0) return false;
  for (const uint32_t type : kNetworks) {
    if (static_cast<uint32_t>(about.f_type) == type) return true;
  }
  return false;
}

}  // namespace sheaf
