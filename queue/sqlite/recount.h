// Checks counts and leases against the runs themselves, which alone decide, and
// whether the texts beside them can be read.
//
// The program keeps counts beside each change and never recounts, so a wrong
// one stays wrong until somebody looks. Reads whole tables: for operators.
#pragma once

#include <string>
#include <vector>

#include "queue/sqlite/connection.h"
#include "queue/types.h"

namespace sheaf {

struct CountedJob {
  JobId id;
  RunCounts kept;
  RunCounts counted;
  int64_t runs_kept = 0;     // run_count
  int64_t runs_counted = 0;  // rows
};
// Jobs whose counts are not those of their runs.
std::vector<CountedJob> MiscountedJobs(Connection& db);

struct CountedName {
  std::string name;  // of a queue or an owner
  bool known = false;
  int64_t queued_kept = 0, running_kept = 0;
  int64_t queued = 0, running = 0;
};
// Queues, and owners, whose counts are not those of the runs of their jobs;
// also names that are not known and have runs that wait or run.
std::vector<CountedName> MiscountedQueues(Connection& db);
std::vector<CountedName> MiscountedOwners(Connection& db);

// Running runs that no lease holds: nobody would ever end them.
std::vector<RunId> UnheldRuns(Connection& db);
// Leases that cannot be read, hold runs that do not run under them, or hold
// twins whose picture nobody makes, and why.
struct OddLease {
  BatchId batch;
  std::string why;
};
std::vector<OddLease> OddLeases(Connection& db);

// A text beside a run, or beside a job, that cannot be read. Its run cannot be
// handed out, and nobody can look at it.
struct BrokenText {
  std::string what;     // "the error of jobs/1/runs/0"
  const char* mend;     // a statement that puts ?3 in its place
  int64_t row = 0;      // ?1
  int64_t attempt = 0;  // ?2
  std::string instead;  // ?3
};
std::vector<BrokenText> BrokenTexts(Connection& db);

// All of that in words, the first few of it; empty where nothing differs.
std::vector<std::string> Miscounts(Connection& db);

}  // namespace sheaf
