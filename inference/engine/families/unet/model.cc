#include "inference/engine/families/unet/model.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/families/unet/conditioner.h"
#include "inference/engine/families/unet/denoiser.h"

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

// A UNet that takes more channels than a sample has was trained to see a
// picture, or a mask and a picture, in the others.
bool SeesPicture(const UNetConfig& config, int64_t sample_channels) {
  return config.in_channels == 2 * sample_channels;
}
bool SeesMask(const UNetConfig& config, int64_t sample_channels) {
  return config.in_channels == 2 * sample_channels + 1;
}

std::vector<Task> TasksOf(const UNetConfig& config, int64_t sample_channels) {
  if (config.in_channels == sample_channels) {
    return {Task::kText, Task::kImage, Task::kInpaint};
  }
  if (SeesMask(config, sample_channels)) return {Task::kInpaint};
  if (SeesPicture(config, sample_channels)) return {Task::kEdit};
  return {};
}

ModelTraits TraitsOf(const UNetConfig& unet, const VaeConfig& vae) {
  return {.native_side = static_cast<int>(unet.sample_size * vae.scale()),
          .side_multiple = static_cast<int>(vae.scale()),
          .tasks = TasksOf(unet, vae.latent_channels),
          .sees_mask = SeesMask(unet, vae.latent_channels),
          .guidance = unet.guidance_width > 0 ? Guidance::kNumber
                                              : Guidance::kNegativePrompt};
}

}  // namespace

absl::Status LoadUNetModel(Model* model) {
  const ModelOptions& options = model->options;
  UNetConditioner::Parts parts = {.folder = model->folder,
                                  .device = options.placement.device};
  SHEAF_ASSIGN_OR_RETURN(parts.first,
                         LoadText(*model, "text_encoder", "tokenizer"));
  SHEAF_ASSIGN_OR_RETURN(parts.second,
                         LoadText(*model, "text_encoder_2", "tokenizer_2"));
  if (parts.first == nullptr && parts.second == nullptr) {
    return absl::InvalidArgumentError(model->folder +
                                      "/model_index.json: no text encoder");
  }
  std::string denoiser = options.denoiser;
  if (denoiser.empty())
    denoiser = absl::StrCat(model->folder, "/", ToAbsl(kUNetFolder));
  SHEAF_ASSIGN_OR_RETURN(std::shared_ptr<const UNet> unet,
                         UNet::Load(denoiser, options.load, options.placement));
  SHEAF_ASSIGN_OR_RETURN(model->vae, LoadVae(*model, options.placement));
  parts.is_xl = unet->config().has_sizes();
  Config::Reader reader(model->index.config);
  parts.has_zeros_for_none = reader.Bool("force_zeros_for_empty_prompt", true);
  parts.takes_score = reader.Bool("requires_aesthetics_score", false);
  model->traits = TraitsOf(unet->config(), model->vae->config());
  model->traits.has_second_prompt =
      parts.is_xl && parts.first != nullptr && parts.second != nullptr;
  model->traits.has_original_size = parts.is_xl;
  model->traits.has_target_size = parts.is_xl && !parts.takes_score;
  model->conditioner = std::make_unique<UNetConditioner>(std::move(parts));
  model->denoiser = std::make_shared<UNetDenoiser>(std::move(unet));
  return absl::OkStatus();
}

absl::StatusOr<ModelTraits> ReadUNetTraits(const std::string& folder) {
  SHEAF_ASSIGN_OR_RETURN(const Config unet,
                         Config::Read(folder + "/unet/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const UNetConfig denoiser, ReadUNetConfig(unet));
  SHEAF_ASSIGN_OR_RETURN(const Config pictures,
                         Config::Read(folder + "/vae/config.json"));
  SHEAF_ASSIGN_OR_RETURN(const VaeConfig vae, ReadVaeConfig(pictures));
  return TraitsOf(denoiser, vae);
}

absl::StatusOr<std::vector<Task>> ReadUNetTasks(const std::string& folder) {
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Read(folder + "/config.json"));
  Config::Reader reader(json);
  if (reader.Text("_class_name", "") != "UNet2DConditionModel") {
    return absl::InvalidArgumentError(folder + " is no UNet");
  }
  SHEAF_ASSIGN_OR_RETURN(const UNetConfig config, ReadUNetConfig(json));
  return TasksOf(config, config.out_channels);
}

}  // namespace sheaf::engine
