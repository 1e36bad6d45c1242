// A model, loaded: everything a folder in the diffusers layout holds.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/engine/models/clip_text.h"
#include "inference/engine/models/unet.h"
#include "inference/engine/models/vae.h"
#include "inference/engine/pipeline/prompt_cache.h"
#include "inference/engine/text/tokenizer.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

struct ModelOptions {
  LoadOptions load;
  Placement placement;
  // Folders of components that replace the model's own. Empty: its own.
  std::string unet;
  std::string vae;
};

// A text encoder and its tokenizer.
struct TextEncoder {
  ClipTokenizer tokenizer;
  std::unique_ptr<ClipText> clip;
};

// Immutable once loaded, except for the cache of prompts; shared by rows and
// threads.
struct Model {
  std::string folder;
  ModelIndex index;
  ModelOptions options;
  // A model has at least one of the two. Refiners have the second alone.
  std::unique_ptr<TextEncoder> text;
  std::unique_ptr<TextEncoder> text_2;
  std::shared_ptr<const UNet> unet;
  std::unique_ptr<Vae> vae;
  Config scheduler;
  std::unique_ptr<PromptCache> prompts = std::make_unique<PromptCache>();

  bool is_xl() const { return unet->config().has_sizes(); }
};

// The errors of the components' readers, each with its path;
// RESOURCE_EXHAUSTED where memory does not suffice.
absl::StatusOr<std::shared_ptr<const Model>> LoadModel(
    const std::string& folder, const ModelOptions& options);

}  // namespace sheaf::engine
