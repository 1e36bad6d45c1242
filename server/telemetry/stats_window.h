// The server's notes on the recent past, and the figures that come of them.
// Plain values and pure functions; times are milliseconds since the epoch, as
// in the store.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "queue/types.h"

namespace sheaf::server {

inline constexpr int64_t kUnknown = -1;

// A run went to a worker.
struct StartNote {
  int64_t time = 0;
  int64_t wait = 0;  // since it was due
  int32_t queue = 0;
};

// Runs ended, or an attempt at one failed: then `state` may be kQueued.
struct EndNote {
  int64_t time = 0;
  int64_t generation = kUnknown;  // since it went to a worker
  WorkerId worker;                // 0 where no worker held it
  int32_t queue = 0;
  int32_t count = 1;
  RunState state = RunState::kSucceeded;
  bool failed_attempt = false;
};

// A batch went to a worker.
struct BatchNote {
  int64_t start = 0;
  int64_t end = kUnknown;  // when its last run left it; none yet
  WorkerId worker;
  int32_t queue = 0;
  int32_t size = 0;
};

struct Notes {
  std::vector<StartNote> starts;
  std::vector<EndNote> ends;
  std::vector<BatchNote> batches;
  std::map<int32_t, std::string> queues;  // what the numbers stand for
};

// Facts of `count` times: their mean, the middle one, the one that 95 of 100 do
// not exceed, and the longest.
struct Spread {
  int64_t count = 0;
  int64_t mean = 0;  // rounded
  int64_t p50 = 0;
  int64_t p95 = 0;
  int64_t max = 0;
};
Spread SpreadOf(std::vector<int64_t> times);

struct QueueFigures {
  RunCounts ended;
  int64_t failed_attempts = 0;
  int64_t batches = 0;       // begun
  int64_t batched_runs = 0;  // in those
  Spread wait;
  Spread generation;  // of runs that succeeded
};

struct WorkerFigures {
  int64_t batches = 0;
  int64_t batched_runs = 0;
  int64_t succeeded = 0;
  int64_t failed_attempts = 0;
  int64_t busy = 0;  // milliseconds in which it held any batch
};

struct Figures {
  QueueFigures total;
  std::map<std::string, QueueFigures> queues;
  std::map<WorkerId, WorkerFigures> workers;
};

// The figures of the time in (since, now]. Notes of queues that `notes.queues`
// does not name count in the total and with their worker only.
Figures Summarize(const Notes& notes, int64_t since, int64_t now);

}  // namespace sheaf::server
