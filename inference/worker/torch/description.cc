#include "inference/worker/torch/description.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/version.h"
#include "inference/engine/schedule/registry.h"
#include "inference/worker/torch/run_controls.h"

namespace sheaf::worker {

using engine::Image;
using engine::ImageRequest;
using engine::Task;

std::string VaeOf(const OfferedModel& model, const v1::RunRequest& wish) {
  if (wish.has_vae()) return wish.vae();
  const int64_t width = wish.has_width() ? wish.width() : model.width;
  const int64_t height = wish.has_height() ? wish.height() : model.height;
  const bool is_large =
      !model.vae_large.empty() && width * height > model.vae_large_pixels;
  return is_large ? model.vae_large : model.vae;
}

engine::Generation DescriptionOf(const v1::LeasedBatch& batch, int row,
                                 const ImageRequest& wanted, const Image& image,
                                 const ModelList& models) {
  const v1::RunRequest& wish = batch.runs(row).request();
  const OfferedModel* const model = models.Find(wish.model());
  engine::Generation generation = {
      .prompt = wanted.request.prompt,
      .negative_prompt = wanted.request.negative_prompt.value_or(""),
      .steps = wanted.request.steps,
      .sampler = engine::SamplerName(
          wanted.sampler, model == nullptr ? "" : model->own_sampler),
      .guidance = wanted.request.guidance,
      .seed = wanted.request.seed,
      .width = image.width,
      .height = image.height,
      .model = model == nullptr ? "" : model->alias,
      .model_hash = model == nullptr ? "" : model->sha256.substr(0, 10),
      .vae = model == nullptr ? wish.vae() : VaeOf(*model, wish),
      .random_mode = std::string(engine::NameOf(wanted.request.random))};
  std::vector<std::string> controls;
  for (const RunControl& control : ControlsOf(batch, row)) {
    controls.push_back(absl::StrCat(control.type,
                                    control.preprocess.empty() ? "" : "=",
                                    control.preprocess, " ", control.weight));
  }
  if (!controls.empty()) {
    generation.more["Controls"] = absl::StrJoin(controls, "; ");
  }
  if (wanted.request.task != Task::kText) {
    generation.more["Denoising strength"] =
        absl::StrCat(wanted.request.strength);
  }
  generation.more["Version"] = absl::StrCat("sheaf ", kVersion);
  return generation;
}

}  // namespace sheaf::worker
