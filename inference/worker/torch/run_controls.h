// The controls of a leased run as they take effect: with the weights of its row
// of the batch, and with the pictures that a detector has still to make.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/control/preprocess_text.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

struct RunControl {
  std::string type;
  double weight = 1;  // Never 0.
  double start = 0;
  double end = 1;
  // The artifact of its picture; empty: the run's init_image takes its place.
  std::string image;
  // The detector that makes the control picture of that: the run's or, without
  // an image, the one that goes with the type. Empty: the image is ready, or no
  // detector goes with the type.
  std::string preprocess;
};

// The controls with a weight, in the run's order; then the types that only the
// plain map of weights names, by name.
std::vector<RunControl> ControlsOf(const v1::LeasedBatch& batch, int row);

// The detector of a control that has one. INVALID_ARGUMENT, with the control's
// type, for what ParsePreprocessing refuses and for a preprocessor that does
// not take any picture.
absl::StatusOr<engine::Preprocessing> DetectorOf(const RunControl& control);

// The error of a control that has no picture to go by: what is missing and how
// to give it.
absl::Status NoPictureFor(const RunControl& control, bool has_init_image);

}  // namespace sheaf::worker
