#include "inference/engine/families/unet/unet_blocks.h"

namespace sheaf::engine {
namespace {

ResidualShape ResidualOf(const UNetConfig& config, int64_t in, int64_t out) {
  return {.in = in,
          .out = out,
          .groups = config.groups,
          .epsilon = config.epsilon,
          .time_width = config.time_width};
}

TransformerShape TransformerOf(const UNetConfig& config, const UNetLevel& level,
                               int64_t layers) {
  return {.channels = level.channels,
          .heads = level.heads,
          .layers = layers,
          .context_width = level.context_width,
          .groups = config.groups,
          .only_cross_attention = level.only_cross_attention};
}

}  // namespace

DownBlock::DownBlock(const ModuleScope& scope, const UNetConfig& config,
                     size_t at) {
  const UNetLevel& level = config.levels[at];
  int64_t in = config.levels[at == 0 ? 0 : at - 1].channels;
  for (int64_t i = 0; i < level.layers; ++i) {
    resnets_.emplace_back(scope.Sub("resnets", i),
                          ResidualOf(config, in, level.channels));
    in = level.channels;
    if (!level.attends_down) continue;
    attentions_.emplace_back(
        scope.Sub("attentions", i),
        TransformerOf(config, level, level.transformer_layers));
  }
  if (at + 1 < config.levels.size()) {
    downsample_.emplace(scope.Sub("downsamplers.0"), level.channels,
                        config.downsample_padding);
  }
}

at::Tensor DownBlock::operator()(at::Tensor x, const BlockInput& input,
                                 std::vector<at::Tensor>* residuals) const {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](x, input.time);
    if (!attentions_.empty()) x = attentions_[i](x, input.prompt);
    residuals->push_back(x);
  }
  if (downsample_) {
    x = (*downsample_)(x);
    residuals->push_back(x);
  }
  return x;
}

MiddleBlock::MiddleBlock(const ModuleScope& scope, const UNetConfig& config) {
  const UNetLevel& level = config.levels.back();
  ResidualShape shape = ResidualOf(config, level.channels, level.channels);
  shape.output_scale = config.middle_scale;
  first_ = ResidualBlock(scope.Sub("resnets.0"), shape);
  // A plain middle is a single block.
  if (config.middle == UNetConfig::Middle::kAttending) {
    second_.emplace(scope.Sub("resnets.1"), shape);
    TransformerShape attention =
        TransformerOf(config, level, level.transformer_layers);
    attention.only_cross_attention = false;
    attention_.emplace(scope.Sub("attentions.0"), attention);
  }
}

at::Tensor MiddleBlock::operator()(const at::Tensor& x,
                                   const BlockInput& input) const {
  const at::Tensor h = first_(x, input.time);
  return attention_ ? (*second_)((*attention_)(h, input.prompt), input.time)
                    : h;
}

UpBlock::UpBlock(const ModuleScope& scope, const UNetConfig& config,
                 size_t at) {
  const UNetLevel& level = config.levels[at];
  const size_t inner = std::min(at + 1, config.levels.size() - 1);
  const int64_t outer = config.levels[at == 0 ? 0 : at - 1].channels;
  // There is one block more than on the way down, since the input of a level is
  // a residual, too. The last block takes the residual of the outer level.
  for (int64_t i = 0; i <= level.layers; ++i) {
    const int64_t from =
        i == 0 ? config.levels[inner].channels : level.channels;
    const int64_t skip = i == level.layers ? outer : level.channels;
    resnets_.emplace_back(scope.Sub("resnets", i),
                          ResidualOf(config, from + skip, level.channels));
    if (!level.attends_up) continue;
    attentions_.emplace_back(
        scope.Sub("attentions", i),
        TransformerOf(config, level, level.transformer_layers_up));
  }
  if (at > 0) upsample_.emplace(scope.Sub("upsamplers.0"), level.channels);
}

at::Tensor UpBlock::operator()(at::Tensor x, const BlockInput& input,
                               std::vector<at::Tensor>* residuals) const {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = resnets_[i](at::cat({x, residuals->back()}, 1), input.time);
    residuals->pop_back();
    if (!attentions_.empty()) x = attentions_[i](x, input.prompt);
  }
  // Enlarges the map to the size of the next residual: twice ours, or one less
  // where an odd side was halved.
  if (upsample_) x = (*upsample_)(x, SizeOf(residuals->back()));
  return x;
}

UNetEncoder::UNetEncoder(const ModuleScope& scope, const UNetConfig& config)
    : conv_in_(scope.Sub("conv_in"),
               {.in = config.in_channels, .out = config.first_channels()}),
      time_(scope, config) {
  for (size_t i = 0; i < config.levels.size(); ++i) {
    down_.emplace_back(scope.Sub("down_blocks", i), config, i);
  }
  if (config.middle != UNetConfig::Middle::kNone) {
    middle_.emplace(scope.Sub("mid_block"), config);
  }
}

std::vector<at::Tensor> UNetEncoder::Down(const at::Tensor& x,
                                          const BlockInput& input) const {
  std::vector<at::Tensor> residuals = {x};
  at::Tensor h = x;
  for (const DownBlock& block : down_) h = block(h, input, &residuals);
  return residuals;
}

at::Tensor UNetEncoder::Middle(const at::Tensor& x,
                               const BlockInput& input) const {
  return middle_ ? (*middle_)(x, input) : x;
}

}  // namespace sheaf::engine
