#include "server/use_cases/batch_profile.h"

#include <utility>

namespace sheaf::server {

BatchProfile ReadBatchProfile(const PricesBoard& prices,
                              const MemoryBoard& memory,
                              const LearnedFigures& learned) {
  BatchProfile profile{.configured = prices.profile()};
  for (const auto& [kind, calibration] : prices.All()) {
    CalibratedWork work{.kind = kind,
                        .calibration = calibration,
                        .recommendation = learned.Recommendation(kind)};
    if (!work.recommendation.empty()) {
      work.batch_size_max = memory.RowsMaxAnywhere(kind);
    }
    profile.works.push_back(std::move(work));
  }
  for (const WorkKind& kind : prices.MeasuredOn("")) {
    profile.measured.push_back({kind, prices.ProfileOf(kind)});
  }
  return profile;
}

}  // namespace sheaf::server
