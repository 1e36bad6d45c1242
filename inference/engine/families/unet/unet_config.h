// The shape of a UNet2DConditionModel, or of the half of one that a
// ControlNetModel is, from its config.json.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/weights/config.h"

namespace sheaf::engine {

// One level of the UNet, counted from the outside.
struct UNetLevel {
  int64_t channels = 0;
  int64_t layers = 1;  // Residual blocks on the way down.
  // Transformers after the residual blocks, on the way down and up. The
  // innermost level's also describe those of the middle.
  bool attends_down = false;
  bool attends_up = false;
  int64_t heads = 8;
  int64_t transformer_layers = 1;
  int64_t transformer_layers_up = 1;
  int64_t context_width = 0;
  bool only_cross_attention = false;
};

struct UNetConfig {
  int64_t in_channels = 4;
  int64_t out_channels = 4;
  int64_t sample_size = 64;
  std::vector<UNetLevel> levels;
  enum class Middle { kNone, kPlain, kAttending };
  Middle middle = Middle::kAttending;
  double middle_scale = 1;
  bool centers_input = false;
  bool cosine_first = true;
  double frequency_shift = 0;
  int64_t time_width = 0;
  int64_t downsample_padding = 1;
  int64_t groups = 32;
  double epsilon = 1e-5;
  bool activates_time_twice = false;
  // For SDXL: the width of one size's waves, and of all sizes' waves together
  // with the pooled prompt. 0 for other models.
  int64_t size_wave_width = 0;
  int64_t sizes_width = 0;
  // For models distilled for a guidance: the width of its waves. 0 for other
  // models.
  int64_t guidance_width = 0;
  // For ControlNets only.
  int64_t hint_channels = 3;
  std::vector<int64_t> hint_widths;
  bool hint_is_bgr = false;
  bool pools_residuals = false;

  int64_t first_channels() const { return levels.front().channels; }
  bool has_sizes() const { return size_wave_width > 0; }
};

// INVALID_ARGUMENT names the file and the key whose value this engine does not
// know, or that has the wrong type.
absl::StatusOr<UNetConfig> ReadUNetConfig(const Config& config);
absl::StatusOr<UNetConfig> ReadControlNetConfig(const Config& config);

}  // namespace sheaf::engine
