// The kind of work that runs are for a worker: the name under which their
// memory and their times are learned and looked up. Where the facts of the
// worker's models are known, what a run leaves out is spelled out. Pure
// functions; `models` may be null.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "batching/pricing/work_kind.h"
#include "batching/rows/model_table.h"
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
batching::WorkKind WorkOf(const Lessee& who, const Lane& lane,
                          const batching::ModelTable* models);
// A run by itself.
batching::WorkKind WorkOf(const Lessee& who, const RunParams& params,
                          const batching::ModelTable* models);
// Runs that go together, of which there is at least one.
batching::WorkKind WorkOf(const Lessee& who, const std::vector<LeasedRun>& runs,
                          const batching::ModelTable* models);

// The same with model, VAE and size spelled out, as far as they are known.
batching::WorkKind Spelled(batching::WorkKind kind,
                           const batching::ModelTable* models);
Lane Spelled(Lane lane, const batching::ModelTable* models);

}  // namespace sheaf::server
