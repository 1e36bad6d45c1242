#include "inference/engine/families/unet/transformer.h"

namespace sheaf::engine {
namespace {

constexpr double kLayerEpsilon = 1e-5;
constexpr double kGroupEpsilon = 1e-6;

}  // namespace

AttentionLayer::AttentionLayer(const ModuleScope& scope, int64_t channels,
                               int64_t context_width, int64_t heads)
    : to_q_(scope.Sub("to_q"), channels, channels, false),
      to_k_(scope.Sub("to_k"), context_width, channels, false),
      to_v_(scope.Sub("to_v"), context_width, channels, false),
      to_out_(scope.Sub("to_out.0"), channels, channels),
      heads_(heads) {}

at::Tensor AttentionLayer::operator()(const at::Tensor& x) const {
  return to_out_(Attention(to_q_(x), to_k_(x), to_v_(x), heads_));
}

at::Tensor AttentionLayer::operator()(const at::Tensor& x,
                                      const Prompt& prompt) const {
  const at::Tensor& tokens = prompt.tokens;
  if (prompt.keys == nullptr) {
    return to_out_(Attention(to_q_(x), to_k_(tokens), to_v_(tokens), heads_));
  }
  auto& of_layer = prompt.keys->of_layer;
  auto found = of_layer.find(this);
  if (found == of_layer.end()) {
    const PromptKeys::Pair pair = {to_k_(tokens), to_v_(tokens)};
    found = of_layer.emplace(this, pair).first;
  }
  const PromptKeys::Pair& pair = found->second;
  return to_out_(Attention(to_q_(x), pair.keys, pair.values, heads_));
}

TransformerBlock::TransformerBlock(const ModuleScope& scope,
                                   const TransformerShape& shape)
    : norm1_(scope.Sub("norm1"), shape.channels, kLayerEpsilon),
      norm2_(scope.Sub("norm2"), shape.channels, kLayerEpsilon),
      norm3_(scope.Sub("norm3"), shape.channels, kLayerEpsilon),
      self_(scope.Sub("attn1"), shape.channels,
            shape.only_cross_attention ? shape.context_width : shape.channels,
            shape.heads),
      cross_(scope.Sub("attn2"), shape.channels, shape.context_width,
             shape.heads),
      gate_(scope.Sub("ff.net.0.proj"), shape.channels, 8 * shape.channels),
      out_(scope.Sub("ff.net.2"), 4 * shape.channels, shape.channels),
      only_cross_attention_(shape.only_cross_attention) {}

at::Tensor TransformerBlock::operator()(const at::Tensor& x,
                                        const Prompt& prompt) const {
  const at::Tensor normal = norm1_(x);
  at::Tensor h = only_cross_attention_ ? self_(normal, prompt) : self_(normal);
  h.add_(x);
  h.add_(cross_(norm2_(h), prompt));
  const std::vector<at::Tensor> halves = gate_(norm3_(h)).chunk(2, -1);
  return h.add_(out_(at::gelu(halves[1]).mul_(halves[0])));
}

Transformer2d::Transformer2d(const ModuleScope& scope,
                             const TransformerShape& shape)
    : norm_(scope.Sub("norm"), shape.groups, shape.channels, kGroupEpsilon),
      in_(scope.Sub("proj_in"), shape.channels, shape.channels),
      out_(scope.Sub("proj_out"), shape.channels, shape.channels) {
  for (int64_t i = 0; i < shape.layers; ++i) {
    blocks_.emplace_back(scope.Sub("transformer_blocks", i), shape);
  }
}

at::Tensor Transformer2d::operator()(const at::Tensor& map,
                                     const Prompt& prompt) const {
  const int64_t rows = map.size(0);
  const int64_t channels = map.size(1);
  const int64_t height = map.size(2);
  const int64_t width = map.size(3);
  // This copies nothing where the map has its channels last.
  at::Tensor pixels = norm_(map).permute({0, 2, 3, 1});
  pixels = in_(pixels.reshape({rows, height * width, channels}));
  for (const TransformerBlock& block : blocks_) {
    pixels = block(pixels, prompt);
  }
  pixels = out_(pixels).reshape({rows, height, width, channels});
  return pixels.permute({0, 3, 1, 2}).add_(map);
}

}  // namespace sheaf::engine
