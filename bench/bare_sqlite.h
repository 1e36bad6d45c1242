// Measures the disk and SQLite alone: writes the rows of a submit, in commits
// of a given number of jobs, with the server's own statements over its own
// schema. One thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/stats.h"
#include "queue/sqlite/connection.h"
#include "queue/types.h"

namespace sheaf::bench {

class BareSqlite {
 public:
  // A database of its own in `directory`.
  static absl::StatusOr<std::unique_ptr<BareSqlite>> Open(
      const std::string& directory);

  // Commits groups of `group` jobs for as long as `window`. The rate counts
  // jobs, the latencies are of whole groups.
  absl::StatusOr<Window> Measure(int group, absl::Duration window);

 private:
  explicit BareSqlite(const std::string& path);
  void AddJob();

  Connection db_;
  Job job_;
  Run run_;
  std::string shared_;
  int64_t last_ = 0;
};

}  // namespace sheaf::bench
