// The part of a model that every step calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/control_model.h"
#include "inference/engine/pipeline/row.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

// One line of a call: a row at its next step, and one of its branches.
struct Line {
  const Row* row;
  const Branch* branch;
};

// Lines of equal keys may share a call.
using CallKey = std::vector<int64_t>;

// A denoiser's memory of its last calls, since rows mostly step with the same
// rows as before. Changes no answer. Any thread.
class CallMemory {
 public:
  virtual ~CallMemory() = default;
  virtual void Clear() = 0;
};

// Immutable except for adapter slots. Any thread.
class Denoiser {
 public:
  virtual ~Denoiser() = default;

  // All lines of a row have one key.
  virtual CallKey KeyOf(const Line& line) const = 0;
  // The line's share of the memory that a call takes, in units that hold for
  // lines of one key. At least 1.
  virtual int64_t WeightOf(const Line& line) const = 0;

  // One answer for each line, in the shape of its row's sample. An answer does
  // not depend on the other lines. The lines have one key; `memory` is a
  // result of this denoiser's NewMemory(). Throws as LibTorch does.
  virtual std::vector<at::Tensor> Call(const std::vector<Line>& lines,
                                       CallMemory* memory) const = 0;
  virtual std::unique_ptr<CallMemory> NewMemory() const = 0;

  // Loads a model that steers this one. The errors of Config::Read and of
  // LoadModule.
  virtual absl::StatusOr<std::shared_ptr<const ControlModel>> LoadControl(
      const std::string& folder, const LoadOptions& options) const = 0;
};

}  // namespace sheaf::engine
