#include "batching/rows/model_table.h"

#include "queue/run_fields.h"

namespace sheaf::batching {

ModelTable::ModelTable(std::string default_model,
                       std::map<std::string, ModelFacts> models,
                       ModelFacts others)
    : default_model_(std::move(default_model)),
      models_(std::move(models)),
      others_(std::move(others)) {
  for (auto& [name, facts] : models_) facts.defaults.model = name;
}

const ModelFacts& ModelTable::Of(std::string_view model) const {
  const auto found =
      models_.find(std::string(model.empty() ? default_model_ : model));
  return found == models_.end() ? others_ : found->second;
}

void KeepCommonDefaults(const RunParams& other, RunParams* defaults) {
  ForEachRunField([&](const auto& field) {
    auto& value = defaults->*field.member;
    if (!(value == other.*field.member)) value = {};
  });
}

}  // namespace sheaf::batching
