// The facts of a model that the engine needs, whatever its family. Plain
// values.
#pragma once

#include <algorithm>
#include <vector>

#include "inference/engine/pipeline/request.h"

namespace sheaf::engine {

// How a model is made to follow the prompt more than it does by itself.
enum class Guidance {
  // Each step also asks what the negative prompt gives, and goes away from it.
  kNegativePrompt,
  // The model was trained to take the guidance as a number. It takes no
  // negative prompt.
  kNumber,
};

struct ModelTraits {
  int native_side = 0;      // Of the pictures that it was trained for; pixels.
  int side_multiple = 1;    // A picture's sides must be multiples of this.
  std::vector<Task> tasks;  // The simplest first.
  // Whether the mask, and the picture where it is black, are inputs of the
  // model. If not, a step puts the picture back where the mask is black.
  bool sees_mask = false;
  Guidance guidance = Guidance::kNegativePrompt;
  // Whether it has an encoder of its own for the second prompts, and whether it
  // is told a picture's original size and crop, and its target size.
  bool has_second_prompt = false;
  bool has_original_size = false;
  bool has_target_size = false;

  bool Does(Task task) const {
    return std::find(tasks.begin(), tasks.end(), task) != tasks.end();
  }
};

}  // namespace sheaf::engine
