// AutoencoderKL.
#pragma once

#include <optional>
#include <vector>

#include "inference/engine/models/blocks.h"
#include "inference/engine/models/vae.h"

namespace sheaf::engine {

// Gives attention layers their present names: files from SD 1.5's days call
// them query, key, value and proj_attn.
void RenameOldAttention(TensorMap* tensors);

// Residual blocks, then half or twice the size.
class VaeLevel {
 public:
  enum class Way { kDown, kUp };
  VaeLevel(const ModuleScope& scope, const VaeConfig& config, int64_t in,
           int64_t out, Way way, bool resizes);
  at::Tensor operator()(at::Tensor x) const;

 private:
  std::vector<ResidualBlock> resnets_;
  std::optional<Downsample> downsample_;
  std::optional<Upsample> upsample_;
};

// Two residual blocks and one head of attention over the whole map.
class VaeMiddle {
 public:
  VaeMiddle() = default;
  VaeMiddle(const ModuleScope& scope, const VaeConfig& config);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  ResidualBlock first_;
  ResidualBlock second_;
  bool attends_ = false;
  GroupNorm norm_;
  Linear to_q_;
  Linear to_k_;
  Linear to_v_;
  Linear to_out_;
};

class VaeKl : public Vae {
 public:
  VaeKl(const ModuleScope& scope, const VaeConfig& config);

 protected:
  at::Tensor EncodeWhole(const at::Tensor& pictures) const override;
  at::Tensor DecodeWhole(const at::Tensor& latents) const override;

 private:
  struct Half {
    Conv2d in;
    std::vector<VaeLevel> levels;
    VaeMiddle middle;
    GroupNorm norm;
    Conv2d out;
  };

  Placement placement_;
  Half encoder_;
  Half decoder_;
  std::optional<Conv2d> quant_;
  std::optional<Conv2d> post_quant_;
};

}  // namespace sheaf::engine
