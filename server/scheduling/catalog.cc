#include "server/scheduling/catalog.h"

#include <map>
#include <utility>

namespace sheaf::server {

using batching::ModelFacts;
using batching::ModelTable;

std::shared_ptr<const ModelTable> TableOf(const Catalog& catalog) {
  std::string default_model;
  std::map<std::string, ModelFacts> models;
  ModelFacts others;
  for (const auto& [name, model] : catalog.models) {
    if (name == kAnyModel) {
      others = model.facts;
      continue;
    }
    if (model.is_default && default_model.empty()) default_model = name;
    models.emplace(name, model.facts);
  }
  return std::make_shared<const ModelTable>(
      std::move(default_model), std::move(models), std::move(others));
}

}  // namespace sheaf::server
