#include "server/scheduling/work_of.h"

#include <algorithm>

#include "batching/rows/request_fields.h"

namespace sheaf::server {

using batching::WorkKind;

void ControlTypes::Add(const RunParams& params) {
  for (batching::LiveControl& control : batching::LiveControls(params)) {
    types_.insert(std::move(control.type));
  }
}

int ControlTypes::count() const {
  return static_cast<int>(
      std::min<size_t>(types_.size(), WorkKind::kControlsMax));
}

WorkKind WorkOf(const Lessee& who, const Lane& lane) {
  return {who.device, lane.model, lane.width, lane.height};
}

WorkKind WorkOf(const Lessee& who, const RunParams& params) {
  ControlTypes types;
  types.Add(params);
  return {who.device, params.model.value_or(""), params.width.value_or(0),
          params.height.value_or(0), types.count()};
}

WorkKind WorkOf(const Lessee& who, const std::vector<LeasedRun>& runs) {
  WorkKind kind = WorkOf(who, runs[0].params);
  ControlTypes types;
  for (const LeasedRun& run : runs) types.Add(run.params);
  kind.controls = types.count();
  return kind;
}

}  // namespace sheaf::server
