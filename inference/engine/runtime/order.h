// What a program orders of the studio: one picture, with all that it needs
// named by folder. Plain values; no LibTorch in sight.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "inference/engine/image/image.h"
#include "inference/engine/pipeline/request.h"

namespace sheaf::engine {

// Where a model lies, and which of its parts.
struct ModelPlace {
  std::string folder;
  std::string variant;  // Of its weight files: "fp16".
  bool allow_pickle = false;
  std::string vae;  // Another autoencoder's folder; empty: its own.

  auto operator<=>(const ModelPlace&) const = default;
};

struct ControlOrder {
  std::string folder;  // Of the ControlNet.
  Image image;         // Ready: preprocessors have run.
  double weight = 1.0;
  double start = 0.0;
  double end = 1.0;
};

struct Order {
  ModelPlace model;
  std::string sampler = "auto";
  std::vector<ControlOrder> controls;
  // Its scheduler and controls are the studio's to fill in. A width or height
  // of 0 is what the model was trained for; kImage becomes kEdit where the
  // model is one for that.
  RunRequest request;
  // Most pixels of the picture, and of all steps together; 0: any number.
  int64_t pixels_max = 0;
  int64_t pixel_steps_max = 0;
};

}  // namespace sheaf::engine
