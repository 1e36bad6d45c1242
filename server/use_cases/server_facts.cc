#include "server/use_cases/server_facts.h"

#include <sys/statvfs.h>

namespace sheaf::server {

absl::StatusOr<StoreContents> ContentsOf(View& view) {
  return StoreContents{view.Counts(), view.LastSequence()};
}

ServerState ServerFacts::State() const {
  const StoreHealth health = store_.Health();
  ServerState state{.start_time = options_.start_time,
                    .now = options_.now(),
                    .data_directory = options_.data_directory,
                    .store = store_.Info(),
                    .writable = health.writable,
                    .boot_check = health.boot_check,
                    .problems = options_.problems(),
                    .notes = health.warnings,
                    .lease_duration = options_.lease_duration,
                    .last_backup_time = backups_.LastTime()};
  struct statvfs disk;
  if (statvfs(options_.data_directory.c_str(), &disk) == 0) {
    state.disk_free_bytes = static_cast<int64_t>(disk.f_bavail) *
                            static_cast<int64_t>(disk.f_frsize);
  }
  if (!health.problem.empty()) {
    state.problems.insert(state.problems.begin(), health.problem);
  }
  for (const std::string& note : options_.notes()) state.notes.push_back(note);
  return state;
}

}  // namespace sheaf::server
