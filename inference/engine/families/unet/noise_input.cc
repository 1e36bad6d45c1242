#include "inference/engine/families/unet/noise_input.h"

#include "inference/engine/pipeline/noise.h"

namespace sheaf::engine {

UNetInput NoiseInput(const UNet& unet, int64_t rows, int64_t side) {
  const UNetConfig& config = unet.config();
  Normals normals(RandomMode::kCpu, 1);
  UNetInput input;
  input.sample = DrawNoise({rows, config.in_channels, side, side}, &normals);
  input.context =
      DrawNoise({rows, 77, config.levels.back().context_width}, &normals);
  input.time.timesteps = at::full({rows}, 500.0, at::kFloat);
  if (config.has_sizes()) {
    const int64_t ids = 6;
    input.time.time_ids = at::full({rows, ids}, 1024.0, at::kFloat);
    input.time.pooled = DrawNoise(
        {rows, config.sizes_width - ids * config.size_wave_width}, &normals);
  }
  if (config.guidance_width > 0) {
    input.time.guidance = at::full({rows}, 5.0, at::kFloat);
  }
  for (at::Tensor* tensor :
       {&input.sample, &input.context, &input.time.timesteps,
        &input.time.time_ids, &input.time.pooled, &input.time.guidance}) {
    if (tensor->defined()) *tensor = tensor->to(unet.placement().device);
  }
  return input;
}

}  // namespace sheaf::engine
