// AutoencoderTiny: a few convolutions that know no variance.
#pragma once

#include <functional>
#include <vector>

#include "inference/engine/models/vae.h"
#include "inference/engine/tensor/layers.h"

namespace sheaf::engine {

class VaeTiny : public Vae {
 public:
  VaeTiny(const ModuleScope& scope, const VaeConfig& config);

 protected:
  at::Tensor EncodeWhole(const at::Tensor& pictures) const override;
  at::Tensor DecodeWhole(const at::Tensor& latents) const override;

 private:
  using Stage = std::function<at::Tensor(const at::Tensor&)>;

  void BuildEncoder(const ModuleScope& scope, const VaeConfig& config);
  void BuildDecoder(const ModuleScope& scope, const VaeConfig& config);
  at::Tensor Run(const std::vector<Stage>& stages, const at::Tensor& x) const;

  Placement placement_;
  std::vector<Stage> encoder_;
  std::vector<Stage> decoder_;
};

}  // namespace sheaf::engine
