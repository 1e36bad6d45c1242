// The files of tests/golden/batching, read.
#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "batching/pricing/profile.h"
#include "batching/simulate/trace.h"

namespace sheaf::batching {

inline std::string GoldenText(const std::string& name) {
  std::ifstream file(std::string(SHEAF_SOURCE_DIR) + "/tests/golden/batching/" +
                     name);
  SHEAF_CHECK(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline Json GoldenJson(const std::string& name) {
  return Json::Parse(GoldenText(name)).value();
}

inline Trace GoldenTrace() {
  return ParseTrace(GoldenText("runs.csv")).value();
}

inline std::map<std::string, Profile> GoldenProfiles() {
  return ParseProfiles(GoldenText("profiles.json")).value();
}

// The cost class of a run of the trace.
inline uint32_t CostOf(const Trace& trace, const std::string& job,
                       int64_t run) {
  for (const Row& row : trace.set.rows) {
    if (trace.jobs[row.job().value - 1] != job || row.id().index() != run) {
      continue;
    }
    return trace.set.shapes.shape(row.shape).cost;
  }
  SHEAF_CHECK(false);
  return 0;
}

}  // namespace sheaf::batching
