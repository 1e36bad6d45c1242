#include "server/scheduling/dispatcher.h"

#include <algorithm>

#include "batching/continuous/placement.h"
#include "batching/rows/cost.h"

namespace sheaf::server {
namespace {

// A split may cost this share more, over all devices together.
constexpr double kExtra = 0.05;

}  // namespace

// Splits only over workers that wait and have the model: a change of model
// costs more than a split gains.
int Dispatcher::Share(const Lessee& who, const Lane& lane,
                      const std::vector<LeasedRun>& runs, absl::Time now) {
  turns_.Taking(who.id, now);
  const int whole = static_cast<int>(runs.size());
  if (whole < 2) return whole;
  if (!options_.may_split &&
      !prices_.IsMeasured({who.device, lane.model, lane.width, lane.height})) {
    return whole;
  }
  int devices = 1;
  for (const WorkerPlace& other : others_()) {
    if (other.who.id == who.id || other.free_ms > 0 || other.runs > 0) continue;
    if (CanServe(other.who, lane) && turns_.IsLoaded(other.who.id, lane)) {
      ++devices;
    }
  }
  if (devices == 1) return whole;
  batching::RowSet set;
  for (const LeasedRun& leased : runs) {
    set.Add(leased.run, lane.kind, "", leased.params, now);
  }
  if (set.rows.size() != runs.size()) return whole;  // some make no rows
  std::vector<uint32_t> classes;
  for (const batching::Row& row : set.rows) {
    classes.push_back(set.shapes.shape(row.shape).cost);
  }
  const batching::CostModel model(&set.shapes,
                                  prices_.PricesOf(set.shapes, who.device));
  const auto ms_of = [&](int n) {
    return model.Batch(absl::MakeConstSpan(classes).first(n));
  };
  return batching::SplitOver(whole, devices, ms_of, kExtra)[0];
}

}  // namespace sheaf::server
