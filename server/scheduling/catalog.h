// Offers of workers: their models with defaults and capabilities, and the
// names that runs may use. Kept in memory, with the worker. Values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "batching/rows/model_table.h"
#include "queue/types.h"

namespace sheaf::server {

struct CatalogModel {
  std::string name;  // "*": all models that are not named
  std::string family;
  bool is_default = false;
  batching::ModelFacts facts;
  std::set<std::string> tasks;
  std::set<std::string> controls;
  std::set<std::string> loras;
  std::set<std::string> vaes;
  int64_t pixels_max = 0;  // 0: the worker's own limit
};

inline constexpr char kAnyModel[] = "*";

// One worker's offer.
struct Catalog {
  std::map<std::string, CatalogModel> models;  // by name
  std::set<std::string> samplers;
  std::set<std::string> preprocessors;
  int64_t bytes = 0;  // on the wire
};

// The facts that decide which runs go together on the worker of the catalog.
std::shared_ptr<const batching::ModelTable> TableOf(const Catalog& catalog);

// Finds the facts of a worker's models; null where nothing is known of them.
using ModelsOf =
    std::function<std::shared_ptr<const batching::ModelTable>(WorkerId)>;

}  // namespace sheaf::server
