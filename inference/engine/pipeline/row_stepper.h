// The heart of the engine: steps any set of rows with as few calls of their
// model as may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "inference/engine/pipeline/denoiser.h"
#include "inference/engine/pipeline/row.h"

namespace sheaf::engine {

// Any thread; only one thread at a time may step a given row.
class RowStepper {
 public:
  explicit RowStepper(std::shared_ptr<const Denoiser> denoiser)
      : denoiser_(std::move(denoiser)), memory_(denoiser_->NewMemory()) {}

  // Advances each of the rows, which must not be done(), by one step. Rows may
  // differ in everything: sampler, progress, guidance, controls; rows of one
  // key share a call. Where memory runs out, halves of the set are tried, and
  // from then on no call of that key is heavier than the heavier half was.
  // RESOURCE_EXHAUSTED where not even one row fits, and the other errors of
  // Guard(). After an error some rows may have advanced (steps_done() tells),
  // but none is half-way.
  absl::Status Step(const std::vector<Row*>& rows) const;

  // The rows of one call, since ForgetLimits().
  struct Together {
    size_t most = 0;     // Most that one call stepped.
    size_t ran_out = 0;  // Fewest for which memory ran out; 0: it did not.
  };
  Together together() const;
  // To be called when more memory may be free than before.
  void ForgetLimits() const;

 private:
  using Rows = std::vector<Row*>;

  int64_t WeightOf(const Row& row) const;
  // How many of `rows`, from `first` on, the limit of their key lets go
  // together: at least one.
  size_t CountThatFits(const CallKey& key, const Rows& rows,
                       size_t first) const;
  absl::Status StepAlike(const CallKey& key, const Rows& rows) const;
  void NoteWent(size_t rows) const;
  void NoteRanOut(const CallKey& key, const Rows& rows) const;
  // Throws as LibTorch does.
  void Call(const Rows& rows) const;

  const std::shared_ptr<const Denoiser> denoiser_;
  const std::unique_ptr<CallMemory> memory_;
  mutable std::mutex mutex_;
  // The most that rows of a key may weigh together, once memory has run out for
  // more. Guarded by mutex_, as is together_.
  mutable std::map<CallKey, int64_t> heaviest_;
  mutable Together together_;
};

}  // namespace sheaf::engine
