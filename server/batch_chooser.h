// Chooses, when a worker asks, which waiting runs of different jobs go to it
// together, or whether to wait for more: the store's Companions, by the rules
// of batching/choose.h and the prices of the server's device profile.
//
// Owned by the server; called on the writer's thread alone.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "batching/choose.h"
#include "queue/lease.h"
#include "server/batch_meter.h"

namespace sheaf::server {

class BatchChooser final : public Companions {
 public:
  // `devices` says how many workers are here. Borrows `meter`, whose profile
  // it takes.
  BatchChooser(const BatchMeter* meter, std::function<int()> devices)
      : meter_(*meter), devices_(std::move(devices)) {}

  int RowsMax(const Lane& lane, const Lessee& who) override;
  Choice Choose(const Queue& queue, const Lessee& who,
                const std::vector<Line>& lines, absl::Time now) override;

 private:
  // When the newest runs of a lane came, for how often they come.
  struct Arrivals {
    std::deque<absl::Time> times;
    RunId newest;
  };
  double ArrivalsPerSecond(const Line& line, absl::Time now);

  const BatchMeter& meter_;
  const std::function<int()> devices_;
  std::map<LaneId, Arrivals> arrivals_;
  // The model that each worker was last given.
  std::map<WorkerId, std::string> loaded_;
};

}  // namespace sheaf::server
