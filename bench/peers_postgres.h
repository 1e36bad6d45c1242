// The peer: a queue in a PostgreSQL table, taken by SELECT ... FOR UPDATE SKIP
// LOCKED, in a private cluster that syncs every commit. Loaded by pgbench with
// 64 connections. One thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/process.h"
#include "bench/stats.h"

namespace sheaf::bench {

class PostgresPeer {
 public:
  // The puts, takes and acknowledgements of one client's loop.
  struct Loop {
    int inserts = 1;          // statements, each a job, each a commit
    int runs_per_insert = 1;  // rows of such a job
    int claim = 1;            // runs taken, and then finished, at once
  };

  // A cluster in `directory`, initialised and started. NOT_FOUND where
  // PostgreSQL is not installed.
  static absl::StatusOr<std::unique_ptr<PostgresPeer>> Start(
      const std::string& directory);
  ~PostgresPeer();

  const std::string& version() const { return version_; }

  // Empties the tables, then runs the loop. The rate counts runs; there are no
  // latencies.
  absl::StatusOr<Window> Measure(const Loop& loop, absl::Duration window);

 private:
  PostgresPeer() = default;
  absl::Status MakeCluster();
  absl::Status StartServer();
  absl::Status Sql(const std::string& statements);
  absl::StatusOr<std::string> RunTool(std::vector<std::string> command,
                                      absl::Duration timeout);

  std::string bin_;  // where the programs are
  std::string version_;
  std::string directory_;  // of the cluster, its socket and its logs
  std::string user_;       // the cluster runs as this user; empty: ours
  Process server_;
};

}  // namespace sheaf::bench
