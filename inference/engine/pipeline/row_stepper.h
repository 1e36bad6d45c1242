// The heart of the engine: makes one UNet call for any set of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/models/unet.h"
#include "inference/engine/pipeline/prompt_memory.h"
#include "inference/engine/pipeline/row.h"

namespace sheaf::engine {

// Any thread; only one thread at a time may step a given row.
class RowStepper {
 public:
  explicit RowStepper(std::shared_ptr<const UNet> unet)
      : unet_(std::move(unet)) {}

  // Advances each of the rows, which must not be done(), by one step. Rows may
  // differ in everything: sampler, progress, guidance, controls; rows of one
  // size share a UNet call. Where memory runs out, halves of the set are tried,
  // and from then on at most half as many rows of that size go together.
  // RESOURCE_EXHAUSTED where not even one row fits, and the other errors of
  // Guard(). After an error some rows may have advanced (steps_done() tells),
  // but none is half-way.
  absl::Status Step(const std::vector<Row*>& rows) const;

  // The rows of one UNet call, since ForgetLimits().
  struct Together {
    size_t most = 0;     // Most that one call stepped.
    size_t ran_out = 0;  // Fewest for which memory ran out; 0: it did not.
  };
  Together together() const;
  // To be called when more memory may be free than before.
  void ForgetLimits() const;

  // Forgets the keys and values that models computed from the prompts of the
  // last step. Must be called when adapters have changed.
  void ForgetPrompts() const { prompts_.Clear(); }

  const UNet& unet() const { return *unet_; }

 private:
  // The sizes that all rows of one UNet call share: the sample's, and the
  // prompt's number of tokens.
  using Shape = std::vector<int64_t>;

  static Shape ShapeOf(const Row& row);
  absl::Status StepAlike(const Shape& shape,
                         const std::vector<Row*>& rows) const;
  size_t MostTogether(const Shape& shape) const;
  void NoteWent(size_t rows) const;
  void NoteRanOut(const Shape& shape, size_t rows) const;
  // Throws as LibTorch does.
  void Call(const std::vector<Row*>& rows) const;

  std::shared_ptr<const UNet> unet_;
  mutable PromptMemory prompts_;
  mutable std::mutex mutex_;
  // How many rows of a shape go together, once memory has run out for more.
  // Guarded by mutex_, as is together_.
  mutable std::map<Shape, size_t> most_together_;
  mutable Together together_;
};

}  // namespace sheaf::engine
