#include "server/scheduling/work_of.h"

#include <algorithm>

#include "batching/rows/request_fields.h"

namespace sheaf::server {

using batching::ModelTable;
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

WorkKind WorkOf(const Lessee& who, const Lane& lane, const ModelTable* models) {
  return Spelled(WorkKind{who.device, lane.model, lane.width, lane.height},
                 models);
}

WorkKind WorkOf(const Lessee& who, const RunParams& params,
                const ModelTable* models) {
  ControlTypes types;
  types.Add(params);
  return Spelled(
      {who.device, params.model.value_or(""), params.width.value_or(0),
       params.height.value_or(0), types.count()},
      models);
}

WorkKind WorkOf(const Lessee& who, const std::vector<LeasedRun>& runs,
                const ModelTable* models) {
  WorkKind kind = WorkOf(who, runs[0].params, models);
  ControlTypes types;
  for (const LeasedRun& run : runs) types.Add(run.params);
  kind.controls = types.count();
  return kind;
}

WorkKind Spelled(WorkKind kind, const ModelTable* models) {
  if (models == nullptr) return kind;
  const RunParams& defaults = models->Of(kind.model).defaults;
  if (kind.model.empty()) kind.model = defaults.model.value_or("");
  if (kind.width == 0) kind.width = defaults.width.value_or(0);
  if (kind.height == 0) kind.height = defaults.height.value_or(0);
  return kind;
}

Lane Spelled(Lane lane, const ModelTable* models) {
  if (models == nullptr) return lane;
  const RunParams& defaults = models->Of(lane.model).defaults;
  if (lane.model.empty()) lane.model = defaults.model.value_or("");
  if (lane.vae.empty()) lane.vae = defaults.vae.value_or("");
  if (lane.width == 0) lane.width = defaults.width.value_or(0);
  if (lane.height == 0) lane.height = defaults.height.value_or(0);
  return lane;
}

}  // namespace sheaf::server
