// A model, loaded: everything a folder in the diffusers layout holds.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/engine/models/vae.h"
#include "inference/engine/pipeline/conditioner.h"
#include "inference/engine/pipeline/denoiser.h"
#include "inference/engine/pipeline/traits.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

struct ModelOptions {
  LoadOptions load;
  Placement placement;
  // Folders of components that replace the model's own. Empty: its own.
  std::string denoiser;
  std::string vae;
};

// Immutable once loaded, except for what a conditioner remembers of prompts;
// shared by rows and threads. A family's folder fills in the parts.
struct Model {
  std::string folder;
  ModelIndex index;
  ModelOptions options;
  ModelTraits traits;
  std::unique_ptr<const Conditioner> conditioner;
  std::shared_ptr<const Denoiser> denoiser;
  std::unique_ptr<const Vae> vae;
  Config scheduler;
};

// Loads the autoencoder of a model whose folder and options are set. The errors
// of Vae::Load.
absl::StatusOr<std::unique_ptr<const Vae>> LoadVae(const Model& model,
                                                   Placement placement);

}  // namespace sheaf::engine
