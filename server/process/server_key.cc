#include "server/process/server_key.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/secret.h"
#include "base/status.h"
#include "server/blobs/posix_file.h"

namespace sheaf::server {
namespace {

constexpr size_t kKeyBytes = 32;

}  // namespace

absl::StatusOr<std::string> LoadServerKey(const std::string& directory) {
  const std::string path = directory + "/server.key";
  const PosixFile file(path, O_RDONLY);
  if (file.open()) {
    const absl::StatusOr<std::string> kept = file.ReadAt(0, kKeyBytes + 1);
    // A key that was cut short counts as none.
    if (kept.ok() && kept->size() == kKeyBytes) return kept;
  }
  const std::string key = RandomBytes(kKeyBytes);
  SHEAF_RETURN_IF_ERROR(WriteFileDurably(path, key));
  ::chmod(path.c_str(), S_IRUSR | S_IWUSR);
  return key;
}

}  // namespace sheaf::server
