#include "inference/engine/models/vae_kl.h"

#include <utility>

namespace sheaf::engine {
namespace {

constexpr double kEpsilon = 1e-6;

ResidualShape ResidualOf(const VaeConfig& config, int64_t in, int64_t out) {
  return {.in = in, .out = out, .groups = config.groups, .epsilon = kEpsilon};
}

}  // namespace

void RenameOldAttention(TensorMap* tensors) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {".query.", ".to_q."},
      {".key.", ".to_k."},
      {".value.", ".to_v."},
      {".proj_attn.", ".to_out.0."},
  };
  TensorMap renamed;
  for (auto& [key, tensor] : *tensors) {
    std::string name = key;
    for (const auto& [before, after] : kNames) {
      const size_t at = name.find(before);
      if (at == std::string::npos ||
          name.find(".attentions.") == std::string::npos) {
        continue;
      }
      name.replace(at, before.size(), after);
    }
    renamed.emplace(std::move(name), std::move(tensor));
  }
  *tensors = std::move(renamed);
}

VaeLevel::VaeLevel(const ModuleScope& scope, const VaeConfig& config,
                   int64_t in, int64_t out, Way way, bool resizes) {
  const int64_t layers = config.layers + (way == Way::kUp ? 1 : 0);
  for (int64_t i = 0; i < layers; ++i) {
    resnets_.emplace_back(scope.Sub("resnets", i),
                          ResidualOf(config, i == 0 ? in : out, out));
  }
  if (!resizes) return;
  if (way == Way::kDown) {
    downsample_.emplace(scope.Sub("downsamplers.0"), out, 0);
  } else {
    upsample_.emplace(scope.Sub("upsamplers.0"), out);
  }
}

at::Tensor VaeLevel::operator()(at::Tensor x) const {
  for (const ResidualBlock& resnet : resnets_) x = resnet(x, {});
  if (downsample_) x = (*downsample_)(x);
  if (upsample_) x = (*upsample_)(x);
  return x;
}

VaeMiddle::VaeMiddle(const ModuleScope& scope, const VaeConfig& config)
    : attends_(config.middle_attends) {
  const int64_t channels = config.channels.back();
  const ResidualShape shape = ResidualOf(config, channels, channels);
  first_ = ResidualBlock(scope.Sub("resnets.0"), shape);
  second_ = ResidualBlock(scope.Sub("resnets.1"), shape);
  if (!attends_) return;
  const ModuleScope attention = scope.Sub("attentions.0");
  norm_ =
      GroupNorm(attention.Sub("group_norm"), config.groups, channels, kEpsilon);
  to_q_ = Linear(attention.Sub("to_q"), channels, channels);
  to_k_ = Linear(attention.Sub("to_k"), channels, channels);
  to_v_ = Linear(attention.Sub("to_v"), channels, channels);
  to_out_ = Linear(attention.Sub("to_out.0"), channels, channels);
}

at::Tensor VaeMiddle::operator()(const at::Tensor& x) const {
  at::Tensor h = first_(x, {});
  if (attends_) {
    const int64_t rows = h.size(0);
    const at::Tensor pixels =
        norm_(h).permute({0, 2, 3, 1}).reshape({rows, -1, h.size(1)});
    const at::Tensor attended =
        to_out_(Attention(to_q_(pixels), to_k_(pixels), to_v_(pixels), 1));
    h = h + attended.reshape({rows, h.size(2), h.size(3), h.size(1)})
                .permute({0, 3, 1, 2});
  }
  return second_(h, {});
}

VaeKl::VaeKl(const ModuleScope& scope, const VaeConfig& config)
    : Vae(config), placement_(scope.placement()) {
  const std::vector<int64_t>& channels = config.channels;
  const size_t count = channels.size();
  const ModuleScope down = scope.Sub("encoder");
  encoder_.in = Conv2d(down.Sub("conv_in"),
                       {.in = config.in_channels, .out = channels[0]});
  for (size_t i = 0; i < count; ++i) {
    encoder_.levels.emplace_back(down.Sub("down_blocks", i), config,
                                 channels[i == 0 ? 0 : i - 1], channels[i],
                                 VaeLevel::Way::kDown, i + 1 < count);
  }
  encoder_.middle = VaeMiddle(down.Sub("mid_block"), config);
  encoder_.norm = GroupNorm(down.Sub("conv_norm_out"), config.groups,
                            channels.back(), kEpsilon);
  const int64_t moments = 2 * config.latent_channels;
  encoder_.out =
      Conv2d(down.Sub("conv_out"), {.in = channels.back(), .out = moments});

  const ModuleScope up = scope.Sub("decoder");
  decoder_.in = Conv2d(up.Sub("conv_in"),
                       {.in = config.latent_channels, .out = channels.back()});
  decoder_.middle = VaeMiddle(up.Sub("mid_block"), config);
  for (size_t i = 0; i < count; ++i) {
    const size_t level = count - 1 - i;
    decoder_.levels.emplace_back(
        up.Sub("up_blocks", i), config, channels[i == 0 ? level : level + 1],
        channels[level], VaeLevel::Way::kUp, i + 1 < count);
  }
  decoder_.norm =
      GroupNorm(up.Sub("conv_norm_out"), config.groups, channels[0], kEpsilon);
  decoder_.out = Conv2d(up.Sub("conv_out"),
                        {.in = channels[0], .out = config.out_channels});

  const auto one_by_one = [&](std::string_view name, int64_t width) {
    return Conv2d(scope.Sub(name),
                  {.in = width, .out = width, .kernel = 1, .padding = 0});
  };
  if (config.has_quant) quant_ = one_by_one("quant_conv", moments);
  if (config.has_post_quant) {
    post_quant_ = one_by_one("post_quant_conv", config.latent_channels);
  }
}

at::Tensor VaeKl::EncodeWhole(const at::Tensor& pictures) const {
  at::Tensor x = encoder_.in(pictures.to(placement_.device, placement_.dtype)
                                 .contiguous(at::MemoryFormat::ChannelsLast));
  for (const VaeLevel& level : encoder_.levels) x = level(x);
  x = encoder_.out(at::silu(encoder_.norm(encoder_.middle(x))));
  return (quant_ ? (*quant_)(x) : x).to(pictures.scalar_type());
}

at::Tensor VaeKl::DecodeWhole(const at::Tensor& latents) const {
  at::Tensor x = latents.to(placement_.device, placement_.dtype)
                     .contiguous(at::MemoryFormat::ChannelsLast);
  if (post_quant_) x = (*post_quant_)(x);
  x = decoder_.middle(decoder_.in(x));
  for (const VaeLevel& level : decoder_.levels) x = level(x);
  x = decoder_.out(at::silu(decoder_.norm(x)));
  return x.to(latents.scalar_type());
}

}  // namespace sheaf::engine
