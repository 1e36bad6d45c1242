// Traces: the requests to a queue and their times, as CSV with a header line.
//
// Columns, in any order: arrival_ms, job, run, model, vae, width, height,
// steps, guidance, sampler, seed, priority, owner, kind, deadline_ms, extra
// (runs that differ in it share no batch), and controls as
// "name:weight:start:end;...". `job` is required. Values of missing columns and
// empty cells are absent; other columns are passed over. A cell that holds a
// comma or a quote stands in quotes, the quote doubled; text that a spreadsheet
// would compute or a terminal obey is written as trace_cell.h says. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

struct Trace {
  RowSet set;  // in the order of the file; Row::time is the arrival
  std::vector<std::string> jobs;  // names; JobId{i + 1} is jobs[i]
};

// INVALID_ARGUMENT, with the line, for text that cannot be read, for a run that
// is named twice, and for no runs at all.
absl::StatusOr<Trace> ParseTrace(std::string_view csv,
                                 const ShapeTable::Options& options = {});

// One line of a trace that is written. It keeps the part of `params` that the
// columns hold: controls with their effective weights (those of weight 0 are
// left out), and among the extras the value of "extra".
struct TraceRun {
  int64_t arrival_ms = 0;  // since any moment that is the same for all
  std::optional<int64_t> deadline_ms;
  std::string job;
  int run = 0;
  Priority priority = Priority::kNormal;
  std::string owner;
  std::string kind;
  RunParams params;
};

// The names of all columns, as a line.
std::string TraceHeader();
// Appends the run as a line that ParseTrace reads as the same values.
void AppendTraceLine(const TraceRun& run, std::string* csv);

}  // namespace sheaf::batching
