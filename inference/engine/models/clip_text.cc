#include "inference/engine/models/clip_text.h"

#include "base/status.h"

namespace sheaf::engine {
namespace {

// Configurations from before 2023 say 2 here for any vocabulary; the end is
// then the largest id.
constexpr int64_t kLegacyEndId = 2;

// Most files hold everything but the projection below "text_model"; files of
// the newest library leave that prefix out.
ModuleScope Root(const ModuleScope& scope) {
  const ModuleScope inner = scope.Sub("text_model");
  return inner.Has("embeddings.token_embedding.weight") ? inner : scope;
}

}  // namespace

absl::StatusOr<ClipTextConfig> ReadClipTextConfig(const Config& config) {
  Config::Reader r(config);
  ClipTextConfig clip;
  clip.width = r.Int("hidden_size", 512);
  clip.inner_width = r.Int("intermediate_size", 2048);
  clip.layers = r.Int("num_hidden_layers", 12);
  clip.heads = r.Int("num_attention_heads", 8);
  clip.positions = r.Int("max_position_embeddings", 77);
  clip.vocabulary = r.Int("vocab_size", 49408);
  clip.projection = r.Int("projection_dim", 512);
  clip.end_id = r.Int("eos_token_id", 49407);
  clip.epsilon = r.Double("layer_norm_eps", 1e-5);
  clip.quick_gelu = r.Choice("hidden_act", "quick_gelu",
                             {"quick_gelu", "gelu"}) == "quick_gelu";
  if (clip.heads <= 0 || clip.width % clip.heads != 0) {
    r.Fail("num_attention_heads", "does not divide hidden_size");
  }
  SHEAF_RETURN_IF_ERROR(r.status());
  return clip;
}

ClipText::Layer::Layer(const ModuleScope& scope, const ClipTextConfig& config)
    : norm1_(scope.Sub("layer_norm1"), config.width, config.epsilon),
      norm2_(scope.Sub("layer_norm2"), config.width, config.epsilon),
      q_(scope.Sub("self_attn.q_proj"), config.width, config.width),
      k_(scope.Sub("self_attn.k_proj"), config.width, config.width),
      v_(scope.Sub("self_attn.v_proj"), config.width, config.width),
      out_(scope.Sub("self_attn.out_proj"), config.width, config.width),
      fc1_(scope.Sub("mlp.fc1"), config.width, config.inner_width),
      fc2_(scope.Sub("mlp.fc2"), config.inner_width, config.width),
      heads_(config.heads),
      quick_gelu_(config.quick_gelu) {}

at::Tensor ClipText::Layer::operator()(const at::Tensor& x) const {
  const at::Tensor normal = norm1_(x);
  const at::Tensor h =
      x + out_(Attention(q_(normal), k_(normal), v_(normal), heads_, true));
  const at::Tensor inner = fc1_(norm2_(h));
  return h + fc2_(quick_gelu_ ? inner * at::sigmoid(inner * 1.702)
                              : at::gelu(inner));
}

ClipText::ClipText(const ModuleScope& scope, const ClipTextConfig& config)
    : config_(config) {
  const ModuleScope root = Root(scope);
  tokens_ = root.Get("embeddings.token_embedding.weight",
                     {config.vocabulary, config.width});
  positions_ = root.Get("embeddings.position_embedding.weight",
                        {config.positions, config.width});
  for (int64_t i = 0; i < config.layers; ++i) {
    layers_.emplace_back(root.Sub("encoder.layers", i), config);
  }
  final_norm_ =
      LayerNorm(root.Sub("final_layer_norm"), config.width, config.epsilon);
  const ModuleScope projection = scope.Sub("text_projection");
  has_projection_ = projection.Has("weight");
  if (has_projection_) {
    projection_ = Linear(projection, config.width, config.projection, false);
  }
}

absl::StatusOr<std::unique_ptr<ClipText>> ClipText::Load(
    const std::string& folder, const LoadOptions& options,
    const Placement& placement, AdapterSlots* slots) {
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Read(folder + "/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const ClipTextConfig config, ReadClipTextConfig(json));
  return LoadModule<ClipText>(folder, options, placement, config, slots);
}

ClipTextOutput ClipText::operator()(const at::Tensor& ids) const {
  ClipTextOutput output;
  at::Tensor x = at::embedding(tokens_, ids) +
                 positions_.narrow(0, 0, ids.size(1)).unsqueeze(0);
  output.hidden.push_back(x);
  for (const Layer& layer : layers_) {
    x = layer(x);
    output.hidden.push_back(x);
  }
  output.last = final_norm_(x);
  output.pooled = Pool(output.last, ids);
  if (has_projection_) output.projected = projection_(output.pooled);
  return output;
}

at::Tensor ClipText::Skipped(const ClipTextOutput& output, int64_t skip) const {
  return final_norm_(output.hidden[output.hidden.size() - 1 - skip]);
}

at::Tensor ClipText::Pool(const at::Tensor& last, const at::Tensor& ids) const {
  // The position of the first largest id, or of the first end id.
  const at::Tensor ends =
      (config_.end_id == kLegacyEndId ? ids
                                      : ids.eq(config_.end_id).to(at::kInt))
          .argmax(1);
  const at::Tensor index =
      ends.reshape({-1, 1, 1}).expand({ids.size(0), 1, last.size(2)});
  return last.gather(1, index).squeeze(1);
}

}  // namespace sheaf::engine
