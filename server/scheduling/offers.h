// The offers of all connected workers together. Pure functions of the workers
// and of what was measured.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "batching/rows/model_table.h"
#include "server/scheduling/catalog.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"

namespace sheaf::server {

// The facts on which all workers agree that take runs of kinds that are
// batched: plans are made by these, since any of the workers may get the batch.
// Defaults that differ, or that one of them does not tell, are left out; a
// model is as able as on the least able worker, self-tests included. Workers
// that are leaving do not count.
std::shared_ptr<const batching::ModelTable> CommonModels(
    const std::vector<WorkerInfo>& workers, const PricesBoard& prices);

// A model, and the workers that have it.
struct OfferedModel {
  CatalogModel model;
  std::vector<WorkerId> workers;
};
struct OfferedTogether {
  std::vector<OfferedModel> models;  // by name
  std::set<std::string> samplers;
  std::set<std::string> preprocessors;
};
// All that the workers offer, for people. A model that a worker takes and does
// not describe is there by its name, and all others as "*".
OfferedTogether OfferedBy(const std::vector<WorkerInfo>& workers,
                          const PricesBoard& prices);

}  // namespace sheaf::server
