// The families of models that this engine knows: how each is loaded, and where
// its denoiser lies.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/model.h"

namespace sheaf::engine {

// The classes that model_index.json names tell the family: its own, or else
// those of the components. INVALID_ARGUMENT where none is known here; the
// errors of the components' readers, each with its path; RESOURCE_EXHAUSTED
// where memory does not suffice.
absl::StatusOr<std::shared_ptr<const Model>> LoadModel(
    const std::string& folder, const ModelOptions& options);

// The folder of the denoiser of the model in `folder`, as its family names it.
// INVALID_ARGUMENT where the family is not known; the errors of ReadModelIndex.
absl::StatusOr<std::string> DenoiserFolder(const std::string& folder);

// The traits of the model in `folder`, from its components' configurations. The
// errors of DenoiserFolder and of the components' readers.
absl::StatusOr<ModelTraits> ReadTraits(const std::string& folder);

}  // namespace sheaf::engine
