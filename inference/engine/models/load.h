// Loads one component of a model: puts weights into a module by name, and lists
// all names that do not fit, in one message.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "inference/engine/tensor/guard.h"
#include "inference/engine/tensor/module_scope.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

// INVALID_ARGUMENT for weights that no module asked for: they are a sign that
// the configuration belongs to another model. `source` names the weights in the
// message.
absl::Status CheckAllUsed(const WeightBinder& binder,
                          const std::string& source);

// Builds Module(scope, config) over `tensors`. `slots` may be null for models
// that take no adapters. INVALID_ARGUMENT names keys that are missing,
// mis-shaped or left over; RESOURCE_EXHAUSTED where there is no memory, and the
// other errors of Guard().
template <typename Module, typename ModuleConfig>
absl::StatusOr<std::unique_ptr<Module>> BuildModule(const TensorMap& tensors,
                                                    const std::string& source,
                                                    const Placement& placement,
                                                    const ModuleConfig& config,
                                                    AdapterSlots* slots) {
  WeightBinder binder(tensors, source);
  AdapterSlots unused_slots;
  std::unique_ptr<Module> module;
  SHEAF_RETURN_IF_ERROR(Guard(absl::StrCat("loading ", source).c_str(), [&] {
    module = std::make_unique<Module>(
        ModuleScope(WeightScope(&binder), placement,
                    slots == nullptr ? &unused_slots : slots),
        config);
  }));
  SHEAF_RETURN_IF_ERROR(binder.Finish());
  SHEAF_RETURN_IF_ERROR(CheckAllUsed(binder, source));
  return module;
}

template <typename Module, typename ModuleConfig>
absl::StatusOr<std::unique_ptr<Module>> LoadModule(
    const std::string& folder, const LoadOptions& options,
    const Placement& placement, const ModuleConfig& config,
    AdapterSlots* slots = nullptr) {
  SHEAF_ASSIGN_OR_RETURN(const TensorMap tensors, LoadWeights(folder, options));
  return BuildModule<Module>(tensors, folder, placement, config, slots);
}

}  // namespace sheaf::engine
