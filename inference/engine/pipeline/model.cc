#include "inference/engine/pipeline/model.h"

#include <utility>

#include "base/status.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

absl::StatusOr<std::unique_ptr<TextEncoder>> LoadText(
    const Model& model, const std::string& encoder,
    const std::string& tokenizer) {
  if (model.index.components.count(encoder) == 0) return nullptr;
  SHEAF_ASSIGN_OR_RETURN(ClipTokenizer words,
                         ClipTokenizer::Load(model.folder + "/" + tokenizer));
  SHEAF_ASSIGN_OR_RETURN(
      std::unique_ptr<ClipText> clip,
      ClipText::Load(model.folder + "/" + encoder, model.options.load,
                     model.options.placement));
  return std::make_unique<TextEncoder>(
      TextEncoder{std::move(words), std::move(clip)});
}

absl::Status LoadAll(Model* model) {
  const std::string& folder = model->folder;
  const ModelOptions& options = model->options;
  SHEAF_ASSIGN_OR_RETURN(model->index, ReadModelIndex(folder));
  SHEAF_ASSIGN_OR_RETURN(model->text,
                         LoadText(*model, "text_encoder", "tokenizer"));
  SHEAF_ASSIGN_OR_RETURN(model->text_2,
                         LoadText(*model, "text_encoder_2", "tokenizer_2"));
  if (model->text == nullptr && model->text_2 == nullptr) {
    return absl::InvalidArgumentError(folder +
                                      "/model_index.json: no text encoder");
  }
  SHEAF_ASSIGN_OR_RETURN(
      model->unet,
      UNet::Load(options.unet.empty() ? folder + "/unet" : options.unet,
                 options.load, options.placement));
  // In half precision, an autoencoder's picture turns black where a value
  // passes 65504. Autoencoders with force_upcast are therefore held in fp32.
  const std::string vae = options.vae.empty() ? folder + "/vae" : options.vae;
  SHEAF_ASSIGN_OR_RETURN(const Config json, Config::Read(vae + "/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const VaeConfig config, ReadVaeConfig(json));
  Placement placement = options.placement;
  if (config.force_upcast && placement.dtype == at::kHalf) {
    placement.dtype = at::kFloat;
  }
  SHEAF_ASSIGN_OR_RETURN(model->vae, Vae::Load(vae, options.load, placement));
  SHEAF_ASSIGN_OR_RETURN(
      model->scheduler,
      Config::Read(folder + "/scheduler/scheduler_config.json"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadModel(
    const std::string& folder, const ModelOptions& options) {
  auto model = std::make_shared<Model>();
  model->folder = folder;
  model->options = options;
  absl::Status loaded;
  SHEAF_RETURN_IF_ERROR(
      Guard("loading a model", [&] { loaded = LoadAll(model.get()); }));
  SHEAF_RETURN_IF_ERROR(loaded);
  return model;
}

}  // namespace sheaf::engine
