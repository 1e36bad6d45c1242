// Autoencoders: pictures to latents and back. AutoencoderKL, which models are
// trained with, and AutoencoderTiny, its small imitation for previews and for
// machines with little memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/tensor/module_scope.h"
#include "inference/engine/weights/config.h"
#include "inference/engine/weights/folder.h"

namespace sheaf::engine {

struct VaeConfig {
  int64_t in_channels = 3;
  int64_t out_channels = 3;
  int64_t latent_channels = 4;
  std::vector<int64_t> channels;  // By level, the pictures' first.
  int64_t layers = 1;
  int64_t groups = 32;
  int64_t sample_size = 32;
  double scaling_factor = 0.18215;
  double shift_factor = 0;
  std::vector<double> latents_mean;  // Empty for none.
  std::vector<double> latents_std;
  bool force_upcast = true;
  bool middle_attends = true;
  bool has_quant = true;
  bool has_post_quant = true;
  // For AutoencoderTiny only.
  bool is_tiny = false;
  std::vector<int64_t> encoder_channels;
  std::vector<int64_t> encoder_blocks;
  std::vector<int64_t> decoder_channels;
  std::vector<int64_t> decoder_blocks;
  int64_t upsampling = 2;
  double latent_magnitude = 3;
  double latent_shift = 0.5;

  // Pixels per latent, in each direction.
  int64_t scale() const;
};

// INVALID_ARGUMENT names the file and the key.
absl::StatusOr<VaeConfig> ReadVaeConfig(const Config& config);

struct VaeOptions {
  // One row at a time: less memory, the same numbers.
  bool slicing = false;
  // Works in overlapping tiles where a side is larger than the model was
  // trained for: much less memory, and pictures that differ a little.
  bool tiling = false;
};

// Immutable. Any thread.
class Vae {
 public:
  virtual ~Vae() = default;

  // From a component's folder, of either class. The errors of UNet::Load.
  static absl::StatusOr<std::unique_ptr<Vae>> Load(const std::string& folder,
                                                   const LoadOptions& options,
                                                   const Placement& placement);

  // Encodes pictures in [-1, 1], [rows, 3, height, width]. Returns the mean and
  // the logarithm of the variance, one after the other in dimension 1.
  // AutoencoderTiny has no variance and returns latents alone.
  at::Tensor Encode(const at::Tensor& pictures,
                    const VaeOptions& options) const;
  // Decodes unscaled latents into pictures, about in [-1, 1].
  at::Tensor Decode(const at::Tensor& latents, const VaeOptions& options) const;

  // Scale() turns the unscaled latents of Encode and Decode into those of
  // samplers; Unscale() turns them back.
  at::Tensor Scale(const at::Tensor& latents) const;
  at::Tensor Unscale(const at::Tensor& latents) const;

  const VaeConfig& config() const { return config_; }

 protected:
  explicit Vae(VaeConfig config) : config_(std::move(config)) {}
  virtual at::Tensor EncodeWhole(const at::Tensor& pictures) const = 0;
  virtual at::Tensor DecodeWhole(const at::Tensor& latents) const = 0;

 private:
  at::Tensor EncodeRows(const at::Tensor& pictures,
                        const VaeOptions& options) const;
  at::Tensor DecodeRows(const at::Tensor& latents,
                        const VaeOptions& options) const;

  const VaeConfig config_;
};

// The mean of the distribution whose moments Encode() returned.
at::Tensor MeanOf(const at::Tensor& moments);
// A sample of that distribution. `noise` has unit variance and the shape of the
// mean.
at::Tensor SampleOf(const at::Tensor& moments, const at::Tensor& noise);

}  // namespace sheaf::engine
