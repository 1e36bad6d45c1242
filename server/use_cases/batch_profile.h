// The times by which batches are priced, and how far they are corrected.
#pragma once

#include <string>
#include <vector>

#include "batching/pricing/calibration.h"
#include "batching/pricing/profile.h"
#include "batching/pricing/work_kind.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/prices_board.h"

namespace sheaf::server {

struct CalibratedWork {
  WorkKind kind;
  batching::Calibration calibration;
  std::string recommendation;  // empty: nothing is known
  int batch_size_max = 0;      // with a recommendation
};

struct MeasuredWork {
  WorkKind kind;
  batching::Profile profile;
};

struct BatchProfile {
  batching::Profile configured;
  std::vector<MeasuredWork> measured;  // by workers
  std::vector<CalibratedWork> works;
};

BatchProfile ReadBatchProfile(const PricesBoard& prices,
                              const MemoryBoard& memory,
                              const LearnedFigures& learned);

}  // namespace sheaf::server
