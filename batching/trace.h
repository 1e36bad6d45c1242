// Traces: what was asked of a queue and when, as CSV with a header line.
//
// Columns, in any order: arrival_ms, job, run, model, vae, width, height,
// steps, guidance, sampler, seed, priority, owner, kind, deadline_ms, and
// controls as "name:weight:start:end;...". `job` is required; what a column
// leaves out or empty is absent, and others are passed over. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "batching/rows.h"

namespace sheaf::batching {

struct Trace {
  RowSet set;  // in the order of the file; Row::time is the arrival
  std::vector<std::string> jobs;  // names; JobId{i + 1} is jobs[i]
};

// INVALID_ARGUMENT, with the line, for what cannot be read; for a run that is
// named twice; for no runs at all.
absl::StatusOr<Trace> ParseTrace(std::string_view csv,
                                 const ShapeTable::Options& options = {});

}  // namespace sheaf::batching
