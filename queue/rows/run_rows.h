// The rows of runs and of their ended attempts.
#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "queue/params.h"
#include "queue/types.h"

namespace sheaf {

// Runs by id in [first, last], those in one of `states`.
struct RunQuery {
  RunId first;
  RunId last;
  unsigned states = ~0u;  // StateBits
  int limit = 50;
};

class RunReads {
 public:
  virtual ~RunReads() = default;

  virtual std::optional<Run> FindRun(RunId id) = 0;
  virtual std::vector<Run> Runs(const RunQuery& query) = 0;
  virtual RunParams OwnParams(RunId id) = 0;
  virtual std::vector<Attempt> Attempts(RunId id) = 0;  // ended ones, in order
  // Waiting runs whose start_deadline has passed.
  virtual std::vector<RunId> PastDeadline(absl::Time by, int limit) = 0;
};

class RunWrites {
 public:
  virtual ~RunWrites() = default;

  virtual void SaveRun(const Run& run) = 0;
  // Also forgets the attempts through LastForgotten(attempt.attempt).
  virtual void AddAttempt(const Attempt& attempt) = 0;
};

}  // namespace sheaf
