// The heart: one UNet call for any set of rows.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "inference/models/unet.h"
#include "inference/pipeline/prompt_memory.h"
#include "inference/pipeline/row.h"

namespace sheaf::engine {

// Any thread; one at a time may step a given row.
class Engine {
 public:
  explicit Engine(std::shared_ptr<const UNet> unet) : unet_(std::move(unet)) {}

  // Advances each of the rows, which must not be done(), by one step. They may
  // differ in everything: sampler, progress, guidance, controls; those of one
  // size share their UNet call. Where memory runs out, halves of the set are
  // tried. RESOURCE_EXHAUSTED where not even one row fits, and the other
  // errors of Guard(): some rows may have advanced then (steps_done() tells),
  // none is half-way.
  absl::Status Step(const std::vector<Row*>& rows) const;

  // Forgets what models have made of the prompts of the last step. To be called
  // when adapters have changed.
  void ForgetPrompts() const { prompts_.Clear(); }

  const UNet& unet() const { return *unet_; }

 private:
  absl::Status StepAlike(const std::vector<Row*>& rows) const;
  // Throws as LibTorch does.
  void Call(const std::vector<Row*>& rows) const;

  std::shared_ptr<const UNet> unet_;
  mutable PromptMemory prompts_;
};

}  // namespace sheaf::engine
