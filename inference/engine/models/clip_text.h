// CLIPTextModel and CLIPTextModelWithProjection: turn token ids into the
// vectors that UNets attend to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/models/load.h"
#include "inference/engine/tensor/layers.h"
#include "inference/engine/weights/config.h"

namespace sheaf::engine {

struct ClipTextConfig {
  int64_t width = 768;
  int64_t inner_width = 3072;
  int64_t layers = 12;
  int64_t heads = 12;
  int64_t positions = 77;
  int64_t vocabulary = 49408;
  int64_t projection = 512;
  int64_t end_id = 2;
  double epsilon = 1e-5;
  bool quick_gelu = true;
};

// INVALID_ARGUMENT names the file and the key.
absl::StatusOr<ClipTextConfig> ReadClipTextConfig(const Config& config);

struct ClipTextOutput {
  // The input of the first layer, then the output of each layer: layers + 1
  // tensors of [rows, tokens, width].
  std::vector<at::Tensor> hidden;
  at::Tensor last;    // The last of them, normalised.
  at::Tensor pooled;  // `last` at the end token: [rows, width].
  // `pooled`, projected; undefined for a model without projection.
  at::Tensor projected;
};

// Immutable except for its adapter slots. Any thread.
class ClipText {
 public:
  // From a component's folder, in any of the layouts that transformers has
  // written. The errors of UNet::Load.
  static absl::StatusOr<std::unique_ptr<ClipText>> Load(
      const std::string& folder, const LoadOptions& options,
      const Placement& placement, AdapterSlots* slots = nullptr);

  // LoadModule calls this.
  ClipText(const ModuleScope& scope, const ClipTextConfig& config);

  // `ids` is [rows, tokens], of int64, each below config().vocabulary.
  ClipTextOutput operator()(const at::Tensor& ids) const;

  // The output of the layer `skip` before the last, normalised. SD 1 and 2 use
  // it for clip_skip.
  at::Tensor Skipped(const ClipTextOutput& output, int64_t skip) const;

  const ClipTextConfig& config() const { return config_; }

 private:
  class Layer {
   public:
    Layer(const ModuleScope& scope, const ClipTextConfig& config);
    at::Tensor operator()(const at::Tensor& x) const;

   private:
    LayerNorm norm1_;
    LayerNorm norm2_;
    Linear q_;
    Linear k_;
    Linear v_;
    Linear out_;
    Linear fc1_;
    Linear fc2_;
    int64_t heads_;
    bool quick_gelu_;
  };

  at::Tensor Pool(const at::Tensor& last, const at::Tensor& ids) const;

  ClipTextConfig config_;
  at::Tensor tokens_;
  at::Tensor positions_;
  std::vector<Layer> layers_;
  LayerNorm final_norm_;
  Linear projection_;
  bool has_projection_ = false;
};

}  // namespace sheaf::engine
