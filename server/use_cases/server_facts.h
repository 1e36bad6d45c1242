// The facts of the running server that an operator asks for: store, disk,
// problems, notes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/durable_store.h"
#include "server/use_cases/backups.h"

namespace sheaf::server {

struct ServerState {
  absl::Time start_time;
  absl::Time now;
  std::string data_directory;
  StoreInfo store;
  std::optional<int64_t> disk_free_bytes;
  bool writable = true;
  std::string boot_check;
  std::vector<std::string> problems;
  std::vector<std::string> notes;
  absl::Duration lease_duration;
  absl::Time last_backup_time = absl::InfinitePast();
};

// The counts in one snapshot of the store.
struct StoreContents {
  StoreCounts counts;
  int64_t last_sequence = 0;
};
absl::StatusOr<StoreContents> ContentsOf(View& view);

// Borrows the store and the backups. Any thread.
class ServerFacts {
 public:
  struct Options {
    std::string data_directory;
    absl::Time start_time;
    absl::Duration lease_duration;
    std::function<absl::Time()> now;
    // Problems outside the store: a clock that stepped back, ...
    std::function<std::vector<std::string>()> problems;
    // Facts that an operator may want to know, and need not mend.
    std::function<std::vector<std::string>()> notes;
  };
  ServerFacts(const DurableStore* store, const Backups* backups,
              Options options)
      : store_(*store), backups_(*backups), options_(std::move(options)) {}

  // Reads no row, so it answers where reads get no answer.
  ServerState State() const;

 private:
  const DurableStore& store_;
  const Backups& backups_;
  const Options options_;
};

}  // namespace sheaf::server
