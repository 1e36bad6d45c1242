// The kind of work that runs are for a worker: the name under which their
// memory and their times are learned and looked up. Pure functions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "batching/pricing/work_kind.h"
#include "queue/leasing/lease.h"

namespace sheaf::server {

// The types of controls that runs use between them.
class ControlTypes {
 public:
  void Add(const RunParams& params);
  // As work counts them: WorkKind::kControlsMax at the most.
  int count() const;

 private:
  std::set<std::string> types_;
};

// Such work without its controls.
batching::WorkKind WorkOf(const Lessee& who, const Lane& lane);
// A run by itself.
batching::WorkKind WorkOf(const Lessee& who, const RunParams& params);
// Runs that go together, of which there is at least one.
batching::WorkKind WorkOf(const Lessee& who,
                          const std::vector<LeasedRun>& runs);

}  // namespace sheaf::server
