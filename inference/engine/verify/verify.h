// Is this build right? Runs reference cases: a folder of models, inputs and
// outputs that another implementation made, laid out as tests/golden is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "inference/engine/tensor/module_scope.h"

namespace sheaf::engine {

// One case. `error` is in the units of `tolerance`; infinite where shapes
// differ or a NaN came out.
struct Outcome {
  std::string group;  // "UNets"
  std::string name;   // "modules/tiny-sd.unet.9x13"
  double error = 0;
  double tolerance = 0;
  // Why it could not be run; empty where it was.
  std::string obstacle;

  bool ran() const { return obstacle.empty(); }
  // Errors that are no number are misses, too.
  bool holds() const { return ran() && error <= tolerance; }
};

struct VerifyOptions {
  // Only cases whose name contains this. Empty: all.
  std::string filter;
  // Where and in which numbers models are held. Judge says how far results may
  // be off there.
  Placement placement;
  // Called after each case.
  std::function<void(const Outcome&)> progress;
};

// All cases of `folder`, group by group. A folder without any gives one
// outcome that says so.
std::vector<Outcome> Verify(const std::string& folder,
                            const VerifyOptions& options);

// How far results may be off with these options: a line for people.
std::string RulesOf(const VerifyOptions& options);

// Per group: how many cases, the largest error against its tolerance, the names
// of those that miss, and the cases that could not be run and why.
std::string ReportOf(const std::vector<Outcome>& outcomes);

// Whether there are cases and all of them hold.
bool AllHold(const std::vector<Outcome>& outcomes);

}  // namespace sheaf::engine
