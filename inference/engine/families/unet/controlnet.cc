#include "inference/engine/families/unet/controlnet.h"

#include <cmath>

#include "base/status.h"
#include "inference/engine/models/load.h"

namespace sheaf::engine {
namespace {

Conv2d OneByOne(const ModuleScope& scope, int64_t channels) {
  return Conv2d(scope,
                {.in = channels, .out = channels, .kernel = 1, .padding = 0});
}

}  // namespace

ControlNet::ControlNet(const ModuleScope& scope, const UNetConfig& config)
    : config_(config), placement_(scope.placement()), encoder_(scope, config) {
  const ModuleScope hint = scope.Sub("controlnet_cond_embedding");
  const std::vector<int64_t>& widths = config.hint_widths;
  hint_in_ = Conv2d(hint.Sub("conv_in"),
                    {.in = config.hint_channels, .out = widths.front()});
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    hint_blocks_.emplace_back(hint.Sub("blocks", 2 * i),
                              ConvShape{.in = widths[i], .out = widths[i]});
    hint_blocks_.emplace_back(
        hint.Sub("blocks", 2 * i + 1),
        ConvShape{.in = widths[i], .out = widths[i + 1], .stride = 2});
  }
  hint_out_ = Conv2d(hint.Sub("conv_out"),
                     {.in = widths.back(), .out = config.first_channels()});
  // One output for each map of the way down.
  const auto add = [&](int64_t channels) {
    outputs_.push_back(OneByOne(
        scope.Sub("controlnet_down_blocks", outputs_.size()), channels));
  };
  add(config.first_channels());
  for (size_t i = 0; i < config.levels.size(); ++i) {
    const UNetLevel& level = config.levels[i];
    const bool is_last = i + 1 == config.levels.size();
    for (int64_t j = 0; j < level.layers + (is_last ? 0 : 1); ++j) {
      add(level.channels);
    }
  }
  middle_ = OneByOne(scope.Sub("controlnet_mid_block"),
                     config.levels.back().channels);
}

absl::StatusOr<std::unique_ptr<ControlNet>> ControlNet::Load(
    const std::string& folder, const LoadOptions& options,
    const Placement& placement, AdapterSlots* slots) {
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Read(folder + "/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const UNetConfig config, ReadControlNetConfig(json));
  return LoadModule<ControlNet>(folder, options, placement, config, slots);
}

at::Tensor ControlNet::Hint(const at::Tensor& pictures) const {
  at::Tensor x = pictures.to(placement_.device, placement_.dtype);
  if (config_.hint_is_bgr) x = x.flip({1});
  x = at::silu(hint_in_(x.contiguous(at::MemoryFormat::ChannelsLast)));
  for (const Conv2d& block : hint_blocks_) x = at::silu(block(x));
  return hint_out_(x);
}

ControlResiduals ControlNet::operator()(const ControlInput& input) const {
  ControlInput with_hint = input;
  with_hint.hint = Hint(input.hint);
  return WithHint(with_hint);
}

ControlResiduals ControlNet::WithHint(const ControlInput& input) const {
  const at::Tensor sample = input.sample.to(placement_.device, placement_.dtype)
                                .contiguous(at::MemoryFormat::ChannelsLast);
  const BlockInput block = {encoder_.Time(input.time),
                            {input.context.to(placement_.dtype), input.keys}};
  std::vector<at::Tensor> maps =
      encoder_.Down(encoder_.First(sample) + input.hint, block);
  ControlResiduals result;
  result.middle = middle_(encoder_.Middle(maps.back(), block));
  for (size_t i = 0; i < maps.size(); ++i) {
    result.down.push_back(outputs_[i](maps[i]));
  }
  // The strength rises from a tenth at the first map to the whole in the
  // middle.
  const bool fades = input.guess_mode && !config_.pools_residuals;
  const auto count = static_cast<int64_t>(maps.size()) + 1;
  const at::Tensor weights =
      input.weights.to(placement_.device, placement_.dtype)
          .reshape({-1, 1, 1, 1});
  const auto scaled = [&](at::Tensor map, int64_t at) {
    const double fade =
        fades ? std::pow(10.0, static_cast<double>(at) / (count - 1) - 1.0)
              : 1.0;
    if (config_.pools_residuals) map = map.mean({2, 3}, true);
    return map * (weights * fade);
  };
  for (int64_t i = 0; i < count - 1; ++i) {
    result.down[i] = scaled(result.down[i], i);
  }
  result.middle = scaled(result.middle, count - 1);
  return result;
}

}  // namespace sheaf::engine
