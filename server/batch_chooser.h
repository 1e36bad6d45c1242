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
#include "batching/profile.h"
#include "batching/rows.h"
#include "queue/lease.h"

namespace sheaf::server {

class BatchChooser final : public Companions {
 public:
  // `devices` says how many workers are here; any thread.
  BatchChooser(batching::Profile profile, std::function<int()> devices)
      : profile_(std::move(profile)), devices_(std::move(devices)) {}

  Choice Choose(const Queue& queue, const Lessee& who,
                const std::vector<Line>& lines, absl::Time now) override;

 private:
  // When the newest runs of a lane came, for how often they come.
  struct Arrivals {
    std::deque<absl::Time> times;
    RunId newest;
  };
  double ArrivalsPerSecond(const Line& line, absl::Time now);

  const batching::Profile profile_;
  const std::function<int()> devices_;
  std::map<LaneId, Arrivals> arrivals_;
  // The model that each worker was last given.
  std::map<WorkerId, std::string> loaded_;
};

}  // namespace sheaf::server
