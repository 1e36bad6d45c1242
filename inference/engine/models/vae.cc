#include "inference/engine/models/vae.h"

#include "base/status.h"
#include "inference/engine/models/load.h"
#include "inference/engine/models/vae_kl.h"
#include "inference/engine/models/vae_tiles.h"
#include "inference/engine/models/vae_tiny.h"

namespace sheaf::engine {
namespace {

constexpr double kTileOverlap = 0.25;

int64_t Part(int64_t size, double part) {
  return static_cast<int64_t>(static_cast<double>(size) * part);
}

// [1, channels, 1, 1]
at::Tensor PerChannel(const std::vector<double>& values,
                      const at::Tensor& like) {
  return at::tensor(values, like.options()).reshape({1, -1, 1, 1});
}

at::Tensor EachRow(const at::Tensor& rows,
                   const std::function<at::Tensor(const at::Tensor&)>& one) {
  std::vector<at::Tensor> results;
  for (const at::Tensor& row : rows.split(1)) results.push_back(one(row));
  return at::cat(results);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Vae>> Vae::Load(const std::string& folder,
                                               const LoadOptions& options,
                                               const Placement& placement) {
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Read(folder + "/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const VaeConfig config, ReadVaeConfig(json));
  if (config.is_tiny) {
    return LoadModule<VaeTiny>(folder, options, placement, config);
  }
  SHEAF_ASSIGN_OR_RETURN(TensorMap tensors, LoadWeights(folder, options));
  RenameOldAttention(&tensors);
  return BuildModule<VaeKl>(tensors, folder, placement, config, nullptr);
}

at::Tensor Vae::Encode(const at::Tensor& pictures,
                       const VaeOptions& options) const {
  const auto one = [&](const at::Tensor& x) { return EncodeRows(x, options); };
  return options.slicing ? EachRow(pictures, one) : one(pictures);
}

at::Tensor Vae::Decode(const at::Tensor& latents,
                       const VaeOptions& options) const {
  const auto one = [&](const at::Tensor& x) { return DecodeRows(x, options); };
  return options.slicing ? EachRow(latents, one) : one(latents);
}

at::Tensor Vae::EncodeRows(const at::Tensor& pictures,
                           const VaeOptions& options) const {
  const auto whole = [this](const at::Tensor& x) { return EncodeWhole(x); };
  const int64_t side = config_.sample_size;
  if (!options.tiling ||
      (pictures.size(2) <= side && pictures.size(3) <= side)) {
    return whole(pictures);
  }
  const int64_t latent_side = side / config_.scale();
  const int64_t blend = Part(latent_side, kTileOverlap);
  return InTiles(pictures,
                 {.size = side,
                  .stride = Part(side, 1 - kTileOverlap),
                  .blend = blend,
                  .keep = latent_side - blend},
                 whole);
}

at::Tensor Vae::DecodeRows(const at::Tensor& latents,
                           const VaeOptions& options) const {
  const auto whole = [this](const at::Tensor& x) { return DecodeWhole(x); };
  const int64_t side = config_.sample_size;
  const int64_t latent_side = side / config_.scale();
  if (!options.tiling ||
      (latents.size(2) <= latent_side && latents.size(3) <= latent_side)) {
    return whole(latents);
  }
  const int64_t blend = Part(side, kTileOverlap);
  return InTiles(latents,
                 {.size = latent_side,
                  .stride = Part(latent_side, 1 - kTileOverlap),
                  .blend = blend,
                  .keep = side - blend},
                 whole);
}

at::Tensor Vae::Scale(const at::Tensor& latents) const {
  if (!config_.latents_mean.empty()) {
    return (latents - PerChannel(config_.latents_mean, latents)) *
           config_.scaling_factor / PerChannel(config_.latents_std, latents);
  }
  return (latents - config_.shift_factor) * config_.scaling_factor;
}

at::Tensor Vae::Unscale(const at::Tensor& latents) const {
  if (!config_.latents_mean.empty()) {
    return latents * PerChannel(config_.latents_std, latents) /
               config_.scaling_factor +
           PerChannel(config_.latents_mean, latents);
  }
  return latents / config_.scaling_factor + config_.shift_factor;
}

at::Tensor MeanOf(const at::Tensor& moments) {
  return moments.narrow(1, 0, moments.size(1) / 2);
}

at::Tensor SampleOf(const at::Tensor& moments, const at::Tensor& noise) {
  const int64_t channels = moments.size(1) / 2;
  const at::Tensor log_variance =
      moments.narrow(1, channels, channels).clamp(-30.0, 20.0);
  return MeanOf(moments) + at::exp(log_variance * 0.5) * noise;
}

}  // namespace sheaf::engine
