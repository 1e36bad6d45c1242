// Encodes prompts for UNets.
#pragma once

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/pipeline/prompt_cache.h"
#include "inference/engine/pipeline/request.h"

namespace sheaf::engine {

// Encode the prompt, and the negative prompt, with the model's encoders; both
// results have one length. Prompts that were encoded before come from the
// model's cache. INVALID_ARGUMENT for text that is not UTF-8 and for a
// clip_skip that is not below the encoder's number of layers. Throws as
// LibTorch does.
absl::StatusOr<EncodedPrompt> EncodePrompt(const Model& model,
                                           const RunRequest& request);
absl::StatusOr<EncodedPrompt> EncodeNegative(const Model& model,
                                             const RunRequest& request);

}  // namespace sheaf::engine
