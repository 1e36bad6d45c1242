// The measurements of queue_bench, each a function over the same settings. One
// thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "bench/load.h"
#include "bench/server_process.h"
#include "bench/stats.h"
#include "bench/table.h"

namespace sheaf::bench {

struct Suite {
  Table* table = nullptr;
  std::string directory;     // for data directories
  bool unix_socket = false;  // false: TCP on 127.0.0.1
  // Measures everything at a small size: shows that it works, judges no rates.
  bool quick = false;
  LoadOptions load;
  RoundOptions rounds;

  bool judge() const { return !quick; }
  // `full`, or `small` with --quick.
  template <class T>
  T Size(T full, T small) const {
    return quick ? small : full;
  }
  // Starts a server whose data lies in a folder of that name.
  absl::StatusOr<std::unique_ptr<ServerProcess>> Serve(const std::string& name,
                                                       bool echo = false) const;
};

// gRPC and SQLite alone: nothing here can be faster than they are.
absl::Status MeasureFloor(Suite& suite);
// Durable submits, one by one, by stream and in bulk, beside the floor.
absl::Status MeasureSubmit(Suite& suite);
// Latency of submits that come by the clock, at half the highest rate.
absl::Status MeasureLatency(Suite& suite);
// One job of 100,000 runs, listed or as a sweep.
absl::Status MeasureLargeJobs(Suite& suite);
// Lease and finish with 1k, 100k and 1M runs queued; memory at 1M.
absl::Status MeasureDepth(Suite& suite);
// Submit, lease and finish, beside PostgreSQL.
absl::Status MeasureLife(Suite& suite);
// Events to 1, 10 and 100 watchers.
absl::Status MeasureEvents(Suite& suite);
// Submits of one client while others flood the server, or an echo server.
absl::Status MeasureQuiet(Suite& suite);
// From kill -9 to the next answered submit, with 1M runs queued.
absl::Status MeasureRecovery(Suite& suite);

// A contender that keeps all of `operations` in flight; one of them counts as
// `each`.
Contender ClosedContender(const Suite& suite, const std::string& name,
                          Operations operations, double each = 1);

// Add rows for a contender's rate, and for p50 and p99 where it has them.
void AddRate(Suite& suite, const Contender& contender, const std::string& unit);
void AddLatency(Suite& suite, const Contender& contender);

// "10k", "1M".
std::string CountName(int64_t count);

}  // namespace sheaf::bench
