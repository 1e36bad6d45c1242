#include "inference/engine/runtime/model_files.h"

#include <string>

#include "base/status.h"
#include "inference/engine/families/load_model.h"

namespace sheaf::engine {
namespace {

const char* NameOf(Task task) {
  switch (task) {
    case Task::kText:
      return "text";
    case Task::kImage:
      return "image";
    case Task::kInpaint:
      return "inpaint";
    case Task::kEdit:
      return "edit";
  }
  return "";
}

}  // namespace

absl::StatusOr<WeightFiles> FindDenoiserWeights(const ModelPlace& place) {
  SHEAF_ASSIGN_OR_RETURN(const std::string folder,
                         DenoiserFolder(place.folder));
  return FindWeights(
      folder, {.variant = place.variant, .allow_pickle = place.allow_pickle});
}

absl::StatusOr<ModelFacts> ReadModelFacts(const std::string& folder) {
  SHEAF_ASSIGN_OR_RETURN(const ModelIndex index, ReadModelIndex(folder));
  SHEAF_ASSIGN_OR_RETURN(const ModelTraits traits, ReadTraits(folder));
  ModelFacts facts{.family = index.class_name,
                   .native_side = traits.native_side};
  for (const Task task : traits.tasks) facts.tasks.emplace_back(NameOf(task));
  return facts;
}

}  // namespace sheaf::engine
