// CLIP text encoders as the conditioner of a UNet. SD 1 and 2 have one, SDXL
// two, and SDXL's refiner the second alone.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/engine/families/unet/prompt_cache.h"
#include "inference/engine/models/clip_text.h"
#include "inference/engine/pipeline/conditioner.h"
#include "inference/engine/text/tokenizer.h"

namespace sheaf::engine {

// A text encoder and its tokenizer.
struct TextEncoder {
  ClipTokenizer tokenizer;
  std::unique_ptr<ClipText> clip;
};

// On the model's device.
struct UNetConditioning : Conditioning {
  at::Tensor context;   // [tokens, width]
  at::Tensor pooled;    // SDXL: [width], and
  at::Tensor time_ids;  // [5 or 6].
};

// Immutable except for what it remembers of prompts. Any thread.
class UNetConditioner : public Conditioner {
 public:
  struct Parts {
    std::string folder;  // The model's, for messages.
    // A model has at least one of the two.
    std::unique_ptr<TextEncoder> first;
    std::unique_ptr<TextEncoder> second;
    at::Device device = at::kCPU;
    bool is_xl = false;
    // Whether the model was trained with zeros where there is no negative
    // prompt. SDXL.
    bool has_zeros_for_none = true;
    // Whether the model takes an aesthetic score in place of a target size:
    // refiners.
    bool takes_score = false;
  };

  explicit UNetConditioner(Parts parts) : parts_(std::move(parts)) {}

  // Both prompts of a request have one length. Prompts that were encoded before
  // are remembered. INVALID_ARGUMENT for text that is not UTF-8 and for a
  // clip_skip that is not below the encoder's number of layers.
  absl::StatusOr<std::shared_ptr<const Conditioning>> Prompt(
      const RunRequest& request) const override;
  absl::StatusOr<std::shared_ptr<const Conditioning>> NegativePrompt(
      const RunRequest& request) const override;

  // Must be called when the encoders' adapters have changed.
  void ForgetPrompts() const { prompts_.Clear(); }

 private:
  const Parts parts_;
  mutable PromptCache prompts_;
};

}  // namespace sheaf::engine
