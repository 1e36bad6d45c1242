#include "inference/worker/torch/description.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/version.h"
#include "inference/engine/schedule/registry.h"
#include "inference/worker/torch/run_controls.h"

namespace sheaf::worker {
namespace {

using engine::Image;
using engine::ImageRequest;
using engine::RunRequest;
using engine::Task;

// "WIDTHxHEIGHT"
std::string SizeText(const engine::Pair& size) {
  return absl::StrCat(size.second, "x", size.first);
}

void AddSecond(const RunRequest& request, engine::Generation* generation) {
  auto& more = generation->more;
  if (request.prompt_2) more["Prompt 2"] = *request.prompt_2;
  if (request.negative_prompt_2) {
    more["Negative prompt 2"] = *request.negative_prompt_2;
  }
  if (request.original_size) {
    more["Original size"] = SizeText(*request.original_size);
  }
  if (request.target_size) {
    more["Target size"] = SizeText(*request.target_size);
  }
  if (request.crop.first != 0 || request.crop.second != 0) {
    more["Crop"] = absl::StrCat(request.crop.second, ",", request.crop.first);
  }
}

}  // namespace

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
  const OfferedModel* const refiner =
      wanted.refiner ? models.Find(wish.refiner()) : nullptr;
  const OfferedModel* const decoder = refiner == nullptr ? model : refiner;
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
      .vae = decoder == nullptr ? wish.vae() : VaeOf(*decoder, wish),
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
  if (refiner != nullptr) {
    generation.more["Refiner"] = refiner->alias;
    if (!refiner->sha256.empty()) {
      absl::StrAppend(&generation.more["Refiner"], " [",
                      refiner->sha256.substr(0, 10), "]");
    }
    generation.more["Refiner switch at"] = absl::StrCat(wanted.refiner->start);
  }
  AddSecond(wanted.request, &generation);
  generation.more["Version"] = absl::StrCat("sheaf ", kVersion);
  return generation;
}

}  // namespace sheaf::worker
