// The part of a model that reads prompts.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/request.h"
#include "inference/engine/pipeline/row.h"

namespace sheaf::engine {

// Any thread.
class Conditioner {
 public:
  virtual ~Conditioner() = default;

  // Encode a request's prompt, and its negative prompt, for the denoiser of the
  // same model; a row's branches may use both. Long prompts are cut, or go on
  // in chunks, and emphasis is read, as the request says. INVALID_ARGUMENT
  // where the model cannot encode it. Throws as LibTorch does.
  virtual absl::StatusOr<std::shared_ptr<const Conditioning>> Prompt(
      const RunRequest& request) const = 0;
  virtual absl::StatusOr<std::shared_ptr<const Conditioning>> NegativePrompt(
      const RunRequest& request) const = 0;
};

}  // namespace sheaf::engine
