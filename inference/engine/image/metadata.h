// How a picture was made, as texts in its PNG that other programs read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "inference/engine/image/png.h"

namespace sheaf::engine {

struct Generation {
  std::string prompt;
  std::string negative_prompt;
  int steps = 0;
  std::string sampler;  // A name people know: "DPM++ 2M Karras".
  double guidance = 0;
  uint64_t seed = 0;
  int width = 0;
  int height = 0;
  std::string model;
  std::string model_hash;  // Ten hex digits of the file's SHA-256.
  std::string vae;
  std::string random_mode;  // "cpu", "philox".
  // All other settings, by name: "Denoising strength", "Version"...
  std::map<std::string, std::string> more;

  bool operator==(const Generation&) const = default;
};

// The text under "parameters" that web interfaces show and read back.
std::string ParametersText(const Generation& generation);

// Reads a text of ParametersText(). INVALID_ARGUMENT where it has no line of
// settings. A prompt with a line that begins with "Negative prompt: " may be
// read back wrongly, since the text cannot tell that line from its own.
absl::StatusOr<Generation> ParseParameters(std::string_view text);

// The text under "prompt" that node editors load: a graph of a checkpoint, two
// prompts, a sampler and a decoder.
std::string NodeGraphJson(const Generation& generation);

// All texts of a picture: "parameters", "prompt", and the same as plain JSON
// under "generation".
PngTexts TextsOf(const Generation& generation);

}  // namespace sheaf::engine
