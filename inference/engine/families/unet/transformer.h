// Transformer2DModel: attention of a map's pixels to each other and to the
// prompt.
#pragma once

#include <unordered_map>
#include <vector>

#include "inference/engine/tensor/layers.h"

namespace sheaf::engine {

struct TransformerShape {
  int64_t channels = 0;
  int64_t heads = 8;
  int64_t layers = 1;
  int64_t context_width = 0;
  int64_t groups = 32;
  bool only_cross_attention = false;
};

class AttentionLayer;

// The keys and values that attention layers computed from a prompt. They are
// the same at every step of a run. They hold only for the model, the prompt and
// the adapters that they were first used with. One thread.
struct PromptKeys {
  struct Pair {
    at::Tensor keys;
    at::Tensor values;
  };
  std::unordered_map<const AttentionLayer*, Pair> of_layer;
};

// A prompt, as layers attend to it.
struct Prompt {
  at::Tensor tokens;           // [rows, tokens, context_width]
  PromptKeys* keys = nullptr;  // Where not null: filled once, then read.
};

// softmax(q k') v between two sequences, with its projections.
class AttentionLayer {
 public:
  AttentionLayer() = default;
  AttentionLayer(const ModuleScope& scope, int64_t channels,
                 int64_t context_width, int64_t heads);
  // Attention of `x` to itself.
  at::Tensor operator()(const at::Tensor& x) const;
  at::Tensor operator()(const at::Tensor& x, const Prompt& prompt) const;

 private:
  Linear to_q_;
  Linear to_k_;
  Linear to_v_;
  Linear to_out_;
  int64_t heads_ = 1;
};

class TransformerBlock {
 public:
  TransformerBlock(const ModuleScope& scope, const TransformerShape& shape);
  at::Tensor operator()(const at::Tensor& x, const Prompt& prompt) const;

 private:
  LayerNorm norm1_;
  LayerNorm norm2_;
  LayerNorm norm3_;
  AttentionLayer self_;
  AttentionLayer cross_;
  Linear gate_;
  Linear out_;
  bool only_cross_attention_ = false;
};

class Transformer2d {
 public:
  Transformer2d(const ModuleScope& scope, const TransformerShape& shape);

  at::Tensor operator()(const at::Tensor& map, const Prompt& prompt) const;

 private:
  GroupNorm norm_;
  // 1 x 1 convolutions in some models, linear layers in others: the same
  // product of the same numbers, so one of them will do.
  Linear in_;
  std::vector<TransformerBlock> blocks_;
  Linear out_;
};

}  // namespace sheaf::engine
