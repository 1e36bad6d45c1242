// Prompts as UNets want them.
#pragma once

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/pipeline/prompt_cache.h"
#include "inference/engine/pipeline/request.h"

namespace sheaf::engine {

// What the prompt, and the negative prompt, mean to the model's encoders; both
// of one length. From the model's cache where they were encoded before.
// INVALID_ARGUMENT for text that is not UTF-8 and for a clip_skip beyond the
// encoder's layers. Throws as LibTorch does.
absl::StatusOr<EncodedPrompt> EncodePrompt(const Model& model,
                                           const RunRequest& request);
absl::StatusOr<EncodedPrompt> EncodeNegative(const Model& model,
                                             const RunRequest& request);

}  // namespace sheaf::engine
