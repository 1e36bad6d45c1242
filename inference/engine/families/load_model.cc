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
using TraitsReader = absl::StatusOr<ModelTraits> (*)(const std::string& folder);

struct Family {
  Loader load;
  TraitsReader read_traits;
  std::string_view denoiser;  // Its folder in the model's.
};
constexpr Family kUNetFamily = {&LoadUNetModel, &ReadUNetTraits, kUNetFolder};

struct KnownClass {
  std::string_view name;  // Of a pipeline or of a denoiser.
  const Family* family;
};
// A pipeline that somebody wrote has a name of its own. Its denoiser, at least,
// is of a class that is known.
constexpr KnownClass kClasses[] = {
    {"StableDiffusionPipeline", &kUNetFamily},
    {"StableDiffusionImg2ImgPipeline", &kUNetFamily},
    {"StableDiffusionInpaintPipeline", &kUNetFamily},
    {"StableDiffusionInstructPix2PixPipeline", &kUNetFamily},
    {"StableDiffusionControlNetPipeline", &kUNetFamily},
    {"StableDiffusionXLPipeline", &kUNetFamily},
    {"StableDiffusionXLImg2ImgPipeline", &kUNetFamily},
    {"StableDiffusionXLInpaintPipeline", &kUNetFamily},
    {"StableDiffusionXLControlNetPipeline", &kUNetFamily},
    {"LatentConsistencyModelPipeline", &kUNetFamily},
    {"UNet2DConditionModel", &kUNetFamily},
};

// Null where the class is not known.
const Family* FamilyOf(std::string_view class_name) {
  for (const KnownClass& known : kClasses) {
    if (known.name == class_name) return known.family;
  }
  return nullptr;
}

absl::StatusOr<const Family*> FamilyOf(const ModelIndex& index,
                                       const std::string& folder) {
  if (const Family* family = FamilyOf(index.class_name)) return family;
  for (const auto& [name, component] : index.components) {
    if (const Family* family = FamilyOf(component.class_name)) return family;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(folder, "/model_index.json: _class_name is ",
                   index.class_name, ", which is not known here"));
}

absl::Status LoadAll(Model* model) {
  SHEAF_ASSIGN_OR_RETURN(model->index, ReadModelIndex(model->folder));
  SHEAF_ASSIGN_OR_RETURN(const Family* const family,
                         FamilyOf(model->index, model->folder));
  SHEAF_RETURN_IF_ERROR(family->load(model));
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

absl::StatusOr<ModelTraits> ReadTraits(const std::string& folder) {
  SHEAF_ASSIGN_OR_RETURN(const ModelIndex index, ReadModelIndex(folder));
  SHEAF_ASSIGN_OR_RETURN(const Family* const family, FamilyOf(index, folder));
  return family->read_traits(folder);
}

absl::StatusOr<std::string> DenoiserFolder(const std::string& folder) {
  SHEAF_ASSIGN_OR_RETURN(const ModelIndex index, ReadModelIndex(folder));
  SHEAF_ASSIGN_OR_RETURN(const Family* const family, FamilyOf(index, folder));
  return absl::StrCat(folder, "/", ToAbsl(family->denoiser));
}

}  // namespace sheaf::engine
