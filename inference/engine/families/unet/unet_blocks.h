// The levels of a UNet: down, middle, up.
#pragma once

#include <optional>
#include <vector>

#include "inference/engine/families/unet/time_embedding.h"
#include "inference/engine/families/unet/transformer.h"
#include "inference/engine/families/unet/unet_config.h"
#include "inference/engine/models/blocks.h"

namespace sheaf::engine {

// The inputs of every block besides the map.
struct BlockInput {
  at::Tensor time;  // A result of TimeEmbedding.
  Prompt prompt;
};

class DownBlock {
 public:
  // `level` counts from the outside.
  DownBlock(const ModuleScope& scope, const UNetConfig& config, size_t level);
  // Appends to `residuals` the maps that the way up will take.
  at::Tensor operator()(at::Tensor x, const BlockInput& input,
                        std::vector<at::Tensor>* residuals) const;

 private:
  std::vector<ResidualBlock> resnets_;
  std::vector<Transformer2d> attentions_;
  std::optional<Downsample> downsample_;
};

class MiddleBlock {
 public:
  MiddleBlock(const ModuleScope& scope, const UNetConfig& config);
  at::Tensor operator()(const at::Tensor& x, const BlockInput& input) const;

 private:
  ResidualBlock first_;
  std::optional<Transformer2d> attention_;
  std::optional<ResidualBlock> second_;
};

class UpBlock {
 public:
  UpBlock(const ModuleScope& scope, const UNetConfig& config, size_t level);
  // Takes its share of `residuals` from the end.
  at::Tensor operator()(at::Tensor x, const BlockInput& input,
                        std::vector<at::Tensor>* residuals) const;

 private:
  std::vector<ResidualBlock> resnets_;
  std::vector<Transformer2d> attentions_;
  std::optional<Upsample> upsample_;
};

// The way down and its middle, which ControlNets have, too.
class UNetEncoder {
 public:
  UNetEncoder(const ModuleScope& scope, const UNetConfig& config);

  at::Tensor Time(const TimeInput& input) const { return time_(input); }
  at::Tensor First(const at::Tensor& sample) const { return conv_in_(sample); }
  // `x` is a result of First(). Returns the maps that the way up takes: the
  // first is `x` itself, the last is the input of Middle().
  std::vector<at::Tensor> Down(const at::Tensor& x,
                               const BlockInput& input) const;
  at::Tensor Middle(const at::Tensor& x, const BlockInput& input) const;

 private:
  Conv2d conv_in_;
  TimeEmbedding time_;
  std::vector<DownBlock> down_;
  std::optional<MiddleBlock> middle_;
};

}  // namespace sheaf::engine
