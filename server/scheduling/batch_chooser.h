// Chooses, when a worker asks, which waiting runs of different jobs go to it
// together, or whether to wait for more: by the rules of
// batching/continuous/choose.h and by prices. The prices are those measured on
// the worker's device, or those of the configured device profile.
//
// Owned by the server; called on the writer's thread alone.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "batching/continuous/choose.h"
#include "queue/leasing/lease.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/prices_board.h"

namespace sheaf::server {

class BatchChooser {
 public:
  using IsLoaded = std::function<bool(WorkerId, const Lane&)>;

  // `devices` says how many workers are here, `is_loaded` whether one has a
  // lane's model. Borrows `prices` and `memory`.
  BatchChooser(const PricesBoard* prices, const MemoryBoard* memory,
               std::function<int()> devices, IsLoaded is_loaded)
      : prices_(*prices),
        memory_(*memory),
        devices_(std::move(devices)),
        is_loaded_(std::move(is_loaded)) {}

  // As in LeasePolicy.
  int RowsMax(const Lane& lane, const Lessee& who);
  LeasePolicy::Choice Choose(const Queue& queue, const Lessee& who,
                             const std::vector<Line>& lines, absl::Time now);

 private:
  // The times at which the newest runs of a lane came, to compute how often
  // they come.
  struct Arrivals {
    std::deque<absl::Time> times;
    RunId newest;
  };
  double ArrivalsPerSecond(const Line& line, absl::Time now);

  const PricesBoard& prices_;
  const MemoryBoard& memory_;
  const std::function<int()> devices_;
  const IsLoaded is_loaded_;
  std::map<LaneId, Arrivals> arrivals_;
};

}  // namespace sheaf::server
