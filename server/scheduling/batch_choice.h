// Chooses which waiting runs of different jobs go to a worker together, or
// whether to wait for more: by the rules of batching/continuous/choose.h and by
// prices. Pure: the known facts go in, a choice comes out.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "batching/rows/cost.h"
#include "batching/rows/rows.h"
#include "queue/leasing/lease.h"

namespace sheaf::server {

// The prices of runs that go to one device, read off once.
class PricedRuns {
 public:
  // A profile for each work of the runs, in order (PricesBoard::PricesOf).
  using PricesOf = std::function<std::vector<batching::Profile>(
      const batching::ShapeTable&)>;

  PricedRuns(const std::string& kind, const std::vector<LeasedRun>& runs,
             const PricesOf& prices_of,
             std::shared_ptr<const batching::ModelTable> models = nullptr);
  // False where the model cannot price some of the runs.
  bool complete() const { return complete_; }
  // Milliseconds for the first `count` of them.
  double Of(int count) const;

 private:
  batching::RowSet set_;
  std::vector<uint32_t> classes_;
  bool complete_ = false;
  std::optional<batching::CostModel> model_;
};

// The known facts about the lines, beside the lines.
struct ChoiceFacts {
  int size = 1;           // the most runs that the queue and the worker allow
  int devices = 1;        // that are here
  bool at_work = false;   // the worker already steps a batch: it does not wait
  std::vector<int> fits;  // for each line: runs that fit the device together
  std::vector<double> arrivals_per_second;  // for each line
  // For each line: until when the next arrival may be hoped for.
  std::vector<absl::Time> expected_by;
  std::vector<bool> loaded;  // for each line: the worker has its model
  std::shared_ptr<const batching::ModelTable> models;  // the worker's; or null
};

LeasePolicy::Choice ChooseAmong(const Queue& queue, std::vector<Line> lines,
                                const ChoiceFacts& facts,
                                const PricedRuns::PricesOf& prices_of,
                                absl::Time now);

}  // namespace sheaf::server
