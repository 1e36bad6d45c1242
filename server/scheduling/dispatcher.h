// The server's LeasePolicy: decides whose turn it is
// (server/scheduling/turns.h), which runs go together
// (server/scheduling/batch_chooser.h), how many fit, and how many are left to
// idle workers.
//
// Owned by the server; called on the writer's thread alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "queue/leasing/lease.h"
#include "server/scheduling/batch_chooser.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/turns.h"

namespace sheaf::server {

class Dispatcher final : public LeasePolicy {
 public:
  struct Options {
    int64_t owner_running_max = 0;  // 0: no limit
    // Splits by the times of the configured profile, too; false: only by times
    // that a worker measured.
    bool may_split = false;
  };
  // Borrows all of them. `others`: as for Turns.
  Dispatcher(Options options, Turns* turns, BatchChooser* chooser,
             const PricesBoard* prices,
             std::function<std::vector<WorkerPlace>()> others)
      : options_(options),
        turns_(*turns),
        chooser_(*chooser),
        prices_(*prices),
        others_(std::move(others)) {}

  int64_t RunningMax(const std::string&) override {
    return options_.owner_running_max;
  }
  Turn Next(const Lessee& who, const std::vector<LaneHead>& heads,
            absl::Time now) override {
    return turns_.Next(who, heads, now);
  }
  int RowsMax(const Lane& lane, const Lessee& who) override {
    return chooser_.RowsMax(lane, who);
  }
  Choice Choose(const Queue& queue, const Lessee& who,
                const std::vector<Line>& lines, absl::Time now) override {
    return chooser_.Choose(queue, who, lines, now);
  }
  int Share(const Lessee& who, const Lane& lane,
            const std::vector<LeasedRun>& runs, absl::Time now) override;

 private:
  const Options options_;
  Turns& turns_;
  BatchChooser& chooser_;
  const PricesBoard& prices_;
  const std::function<std::vector<WorkerPlace>()> others_;
};

}  // namespace sheaf::server
