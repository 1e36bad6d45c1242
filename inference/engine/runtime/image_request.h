// A program's request to the runtime for one picture; models are named by their
// folders. Plain values, without LibTorch.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inference/engine/image/image.h"
#include "inference/engine/pipeline/request.h"

namespace sheaf::engine {

// A model's folder, and which of its parts to use.
struct ModelPlace {
  std::string folder;
  std::string variant;  // The weight files' variant: "fp16".
  bool allow_pickle = false;
  std::string vae;  // Another autoencoder's folder; empty: its own.

  auto operator<=>(const ModelPlace&) const = default;
};

struct ImageControl {
  std::string folder;  // The ControlNet's.
  Image image;         // Ready: preprocessors have run.
  double weight = 1.0;
  double start = 0.0;
  double end = 1.0;
  // For the caller: the name that the image is kept by, since a preprocessor
  // made it. Empty: it is not kept.
  std::string kept_as;
};

// Another model that makes the last steps of a run.
struct ImageRefiner {
  ModelPlace model;
  double start = 0.8;  // The part of the noise that is gone by then.
};

struct ImageRequest {
  ModelPlace model;
  // For runs from a prompt or a picture, without a mask.
  std::optional<ImageRefiner> refiner;
  std::string sampler = "auto";
  std::vector<ImageControl> controls;
  // The runtime fills in its scheduler and controls. A width or height of 0
  // means the size that the model was trained for; kImage becomes kEdit where
  // the model is made for editing.
  RunRequest request;
  // Most pixels of the picture, and of all its steps together. 0: no bound.
  int64_t pixels_max = 0;
  int64_t pixel_steps_max = 0;
};

}  // namespace sheaf::engine
