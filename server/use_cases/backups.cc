#include "server/use_cases/backups.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::server {

void Backups::Make(const std::string& file_name,
                   DurableStore::BackupDone done) const {
  const std::string name =
      file_name.empty() ? absl::FormatTime("sheaf-%Y%m%dT%H%M%E3SZ.db",
                                           options_.now(), absl::UTCTimeZone())
                        : file_name;
  if (absl::Status status = store_.CheckBackupName(name); !status.ok()) {
    return done(std::move(status));
  }
  std::error_code error;
  std::filesystem::create_directories(options_.directory, error);
  store_.Backup(
      {absl::StrCat(options_.directory, "/", name), options_.kept_max},
      std::move(done));
}

absl::Time Backups::LastTime() const {
  absl::Time newest = absl::InfinitePast();
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(options_.directory, error)) {
    if (entry.path().extension() != ".sha256") continue;
    const auto written = entry.last_write_time(error);
    if (error) continue;
    newest = std::max(
        newest, absl::FromChrono(
                    std::chrono::time_point_cast<std::chrono::milliseconds>(
                        std::chrono::file_clock::to_sys(written))));
  }
  return newest;
}

}  // namespace sheaf::server
