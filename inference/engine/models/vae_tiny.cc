#include "inference/engine/models/vae_tiny.h"

#include "inference/engine/models/blocks.h"

namespace sheaf::engine {
namespace {

// Latents are squeezed into [-kLatentBound, kLatentBound].
constexpr double kLatentBound = 3.0;

// relu(conv relu conv relu conv (x) + x)
class TinyBlock {
 public:
  TinyBlock(const ModuleScope& scope, int64_t channels) {
    for (const size_t place : {0, 2, 4}) {
      convs_.emplace_back(scope.Sub("conv", place),
                          ConvShape{.in = channels, .out = channels});
    }
  }

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor h = convs_[1](at::relu(convs_[0](x)));
    return at::relu(convs_[2](at::relu(h)) + x);
  }

 private:
  std::vector<Conv2d> convs_;
};

}  // namespace

VaeTiny::VaeTiny(const ModuleScope& scope, const VaeConfig& config)
    : Vae(config), placement_(scope.placement()) {
  BuildEncoder(scope.Sub("encoder"), config);
  BuildDecoder(scope.Sub("decoder"), config);
}

void VaeTiny::BuildEncoder(const ModuleScope& scope, const VaeConfig& config) {
  const auto next = [&] { return scope.Sub("layers", encoder_.size()); };
  for (size_t i = 0; i < config.encoder_channels.size(); ++i) {
    const int64_t width = config.encoder_channels[i];
    encoder_.push_back(
        i == 0
            ? Conv2d(next(), {.in = config.in_channels, .out = width})
            : Conv2d(next(),
                     {.in = width, .out = width, .stride = 2, .bias = false}));
    for (int64_t j = 0; j < config.encoder_blocks[i]; ++j) {
      encoder_.push_back(TinyBlock(next(), width));
    }
  }
  encoder_.push_back(Conv2d(next(), {.in = config.encoder_channels.back(),
                                     .out = config.latent_channels}));
}

void VaeTiny::BuildDecoder(const ModuleScope& scope, const VaeConfig& config) {
  const auto next = [&] { return scope.Sub("layers", decoder_.size()); };
  const std::vector<int64_t>& channels = config.decoder_channels;
  decoder_.push_back(
      Conv2d(next(), {.in = config.latent_channels, .out = channels[0]}));
  decoder_.push_back([](const at::Tensor& x) { return at::relu(x); });
  for (size_t i = 0; i < channels.size(); ++i) {
    const bool is_last = i + 1 == channels.size();
    for (int64_t j = 0; j < config.decoder_blocks[i]; ++j) {
      decoder_.push_back(TinyBlock(next(), channels[i]));
    }
    if (!is_last) {
      decoder_.push_back([factor = config.upsampling](const at::Tensor& x) {
        const MapSize size = SizeOf(x);
        return at::upsample_nearest2d(
            x, {size.height * factor, size.width * factor});
      });
    }
    decoder_.push_back(
        Conv2d(next(), {.in = channels[i],
                        .out = is_last ? config.out_channels : channels[i],
                        .bias = is_last}));
  }
}

at::Tensor VaeTiny::Run(const std::vector<Stage>& stages,
                        const at::Tensor& x) const {
  at::Tensor h = x.to(placement_.device, placement_.dtype)
                     .contiguous(at::MemoryFormat::ChannelsLast);
  for (const Stage& stage : stages) h = stage(h);
  return h.to(x.scalar_type());
}

at::Tensor VaeTiny::EncodeWhole(const at::Tensor& pictures) const {
  return Run(encoder_, (pictures + 1) / 2);
}

at::Tensor VaeTiny::DecodeWhole(const at::Tensor& latents) const {
  const at::Tensor bounded = at::tanh(latents / kLatentBound) * kLatentBound;
  return Run(decoder_, bounded) * 2 - 1;
}

}  // namespace sheaf::engine
