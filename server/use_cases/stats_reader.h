// Reads the statistics: the present state of the store, and the figures of the
// boards, at one moment.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/store.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/stats_board.h"

namespace sheaf::server {

struct StatsFacts {
  std::string queue;  // the only one that is asked for; empty: all
  absl::Time now;
  StatsBoard::Recalled recalled;
  std::vector<Queue> queues;
  std::vector<Batch> batches;  // held now
  std::vector<WorkerInfo> workers;
  std::vector<OwnerCounts> owners;
  std::map<std::string, absl::Duration> given;  // predicted time, by owner
  int knee = 0;
  std::vector<WorkFigures> figures;
};

// Borrows all its parts. Any thread.
class StatsReader {
 public:
  struct Parts {
    const StatsBoard* stats = nullptr;
    const WorkerRegistry* workers = nullptr;
    const PricesBoard* prices = nullptr;
    const LearnedFigures* learned = nullptr;
    const LeasePlanner* planner = nullptr;
    std::function<absl::Time()> now;
  };
  explicit StatsReader(Parts parts) : parts_(std::move(parts)) {}

  // Looks back over `window`, five minutes where it is zero. QUEUE_NOT_FOUND.
  absl::StatusOr<StatsFacts> Read(View& view, const std::string& queue,
                                  absl::Duration window) const;

 private:
  const Parts parts_;
};

}  // namespace sheaf::server
