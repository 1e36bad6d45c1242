#include "inference/engine/families/load_model.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/families/unet/model.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

using Loader = absl::Status (*)(Model* model);

struct Family {
  std::string_view class_name;  // Of a pipeline or of a denoiser.
  Loader load;
};
// A pipeline that somebody wrote has a name of its own. Its denoiser, at least,
// is of a class that is known.
constexpr Family kFamilies[] = {
    {"StableDiffusionPipeline", &LoadUNetModel},
    {"StableDiffusionImg2ImgPipeline", &LoadUNetModel},
    {"StableDiffusionInpaintPipeline", &LoadUNetModel},
    {"StableDiffusionInstructPix2PixPipeline", &LoadUNetModel},
    {"StableDiffusionControlNetPipeline", &LoadUNetModel},
    {"StableDiffusionXLPipeline", &LoadUNetModel},
    {"StableDiffusionXLImg2ImgPipeline", &LoadUNetModel},
    {"StableDiffusionXLInpaintPipeline", &LoadUNetModel},
    {"StableDiffusionXLControlNetPipeline", &LoadUNetModel},
    {"LatentConsistencyModelPipeline", &LoadUNetModel},
    {"UNet2DConditionModel", &LoadUNetModel},
};

// Null where the class is not known.
Loader LoaderFor(std::string_view class_name) {
  for (const Family& family : kFamilies) {
    if (family.class_name == class_name) return family.load;
  }
  return nullptr;
}

absl::StatusOr<Loader> LoaderFor(const ModelIndex& index,
                                 const std::string& folder) {
  if (const Loader load = LoaderFor(index.class_name)) return load;
  for (const auto& [name, component] : index.components) {
    if (const Loader load = LoaderFor(component.class_name)) return load;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(folder, "/model_index.json: _class_name is ",
                   index.class_name, ", which is not known here"));
}

absl::Status LoadAll(Model* model) {
  SHEAF_ASSIGN_OR_RETURN(model->index, ReadModelIndex(model->folder));
  SHEAF_ASSIGN_OR_RETURN(const Loader load,
                         LoaderFor(model->index, model->folder));
  SHEAF_RETURN_IF_ERROR(load(model));
  SHEAF_ASSIGN_OR_RETURN(
      model->scheduler,
      Config::Read(model->folder + "/scheduler/scheduler_config.json"));
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
