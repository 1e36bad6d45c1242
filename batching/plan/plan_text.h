// A plan in words, as an operator reads it before deciding. Pure.
#pragma once

#include <string>

#include "batching/plan/report.h"

namespace sheaf::batching {

struct PlanTextOptions {
  Mode mode = Mode::kBest;
  int batch_size = 4;
  int batches_max = 20;    // listed; the rest are counted
  bool heuristic = false;  // the gain as the original reckoned it
};

// "8 runs from 5 jobs → 3 batches", the gain and what it is held against, the
// mode and what it means, a line for each batch, who ends earlier or later,
// warnings. Ends with a line break.
std::string PlanText(const RowSet& set, const Plan& plan,
                     const PlanReport& report, const PlanTextOptions& options);

// "8 runs from 5 jobs → 3 batches"
std::string Headline(const PlanReport& report);

}  // namespace sheaf::batching
