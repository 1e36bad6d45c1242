// A request to the engine for one picture. Plain values: a program that does
// not include LibTorch can fill it in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/engine/image/image.h"
#include "inference/engine/random/normals.h"
#include "inference/engine/schedule/scheduler_config.h"
#include "inference/engine/weights/tensor.h"

namespace sheaf::engine {

class ControlModel;

struct ControlRequest {
  std::shared_ptr<const ControlModel> net;
  Image image;  // Ready: preprocessors have run.
  double weight = 1.0;
  // The part of the run, from 0 to 1, in which it works.
  double start = 0.0;
  double end = 1.0;
};

// Height and width, top and left.
struct Pair {
  int64_t first = 0;
  int64_t second = 0;
};

enum class Task {
  kText,     // From a prompt alone.
  kImage,    // From a picture, or from latents that another model left.
  kInpaint,  // A picture, but only where the mask is white.
  kEdit,     // A picture changed as the prompt says.
};

struct RunRequest {
  Task task = Task::kText;
  std::string prompt;
  // For SDXL's second encoder; none and "" mean the first prompt.
  std::optional<std::string> prompt_2;
  // None is not the same as "": SDXL then sees zeros.
  std::optional<std::string> negative_prompt;
  std::optional<std::string> negative_prompt_2;
  // Whether web interfaces' "(word:1.3)" and BREAK have their meaning; if not,
  // they are text.
  bool emphasis = false;
  // A prompt longer than the encoder's 77 tokens is split into at most this
  // many chunks; the rest is dropped. With 1 it is cut as the reference does.
  int prompt_chunks = 1;
  int clip_skip = 0;  // Layers of the text encoder left out at its end.

  SchedulerConfig scheduler;
  int steps = 20;
  std::optional<double> eta;
  double guidance = 7.5;
  double image_guidance = 1.5;    // kEdit
  double guidance_rescale = 0.0;  // 0 to 1.
  int width = 512;
  int height = 512;
  uint64_t seed = 0;
  RandomMode random = RandomMode::kCpu;

  Image image;
  Image mask;             // kInpaint: white is painted.
  Tensor latents;         // kImage: in place of `image`, [1,4,h,w], fp32.
  double strength = 0.8;  // kImage, kInpaint.
  // The part of the run that this model makes, where other models (base and
  // refiner) make the parts before and after it.
  std::optional<double> denoising_start;
  std::optional<double> denoising_end;

  // SDXL. None: the picture's own size.
  std::optional<Pair> original_size;
  Pair crop;
  std::optional<Pair> target_size;
  double aesthetic_score = 6.0;
  double negative_aesthetic_score = 2.5;

  std::vector<ControlRequest> controls;
  bool guess_mode = false;
};

}  // namespace sheaf::engine
