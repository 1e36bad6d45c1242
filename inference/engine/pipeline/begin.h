// Turns a request into a row that can be stepped.
#pragma once

#include "absl/status/statusor.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/pipeline/request.h"
#include "inference/engine/pipeline/row.h"

namespace sheaf::engine {

// Encodes prompts and pictures, compiles the scheduler and draws the noise.
// INVALID_ARGUMENT says which part of the request does not fit the model; the
// errors of Guard().
absl::StatusOr<Row> BeginRow(const Model& model, const RunRequest& request);

// The number of steps of the row that BeginRow makes of a request. The errors
// of CallsOf and of Compile.
absl::StatusOr<size_t> CountSteps(const RunRequest& request);

// The part that a refiner makes of a run whose base makes `base`, up to its
// denoising_end. Still to be set: its latents, which are the sample that the
// base's row left. A refiner takes no controls, reads the first prompts and is
// not told a target size.
RunRequest RefinerPart(RunRequest base);

// The range of the scheduler's calls that a request makes: [first, last).
struct CallRange {
  size_t first = 0;
  size_t last = 0;
};

// The calls that `request`'s strength, start and end leave. `whole` is the
// program of all steps, `train_steps` the scheduler's. INVALID_ARGUMENT where
// no call is left.
absl::StatusOr<CallRange> CallsOf(const RunRequest& request,
                                  const Program& whole, int train_steps);

}  // namespace sheaf::engine
