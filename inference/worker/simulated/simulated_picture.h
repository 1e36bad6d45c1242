// The picture that a request asks for, as far as a simulation can tell: colours
// and a pattern out of a hash of everything that decides a real picture.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "inference/worker/session/engine.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// A PNG file for run `row` of `batch`, no side longer than `side_max`, its
// prompt and seed written inside. The same request gives the same bytes,
// whatever rows stand beside it.
absl::StatusOr<std::string> DrawSimulatedPicture(const v1::LeasedBatch& batch,
                                                 int row, int side_max);

// The same picture with `part` of it done, in [0, 1]: grey at 0, final at 1.
PngMaker DrawSimulatedPreview(const v1::LeasedBatch& batch, int row,
                              int side_max, double part);

}  // namespace sheaf::worker
