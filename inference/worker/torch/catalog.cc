#include "inference/worker/torch/catalog.h"

#include <string>

#include "inference/engine/control/preprocess.h"
#include "inference/engine/runtime/model_files.h"
#include "inference/engine/schedule/registry.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// For runs that leave these out. The request resolver fills in the same.
void FillDefaults(const OfferedModel& model, int native_side,
                  v1::RunRequest* defaults) {
  const int width = model.width > 0 ? model.width : native_side;
  const int height = model.height > 0 ? model.height : native_side;
  if (width > 0) defaults->set_width(width);
  if (height > 0) defaults->set_height(height);
  defaults->set_steps(model.steps);
  defaults->set_guidance(model.guidance);
  defaults->set_sampler(engine::SamplerName(model.sampler, model.own_sampler));
  // With a VAE for large pictures the default depends on the size.
  if (!model.vae.empty() && model.vae_large.empty()) {
    defaults->set_vae(model.vae);
  }
}

void FillModel(const OfferedModel& model, v1::CatalogModel* out) {
  out->set_name(model.alias);
  int native_side = 0;
  const auto facts = engine::ReadModelFacts(model.place.folder);
  if (facts.ok()) {
    native_side = facts->native_side;
    out->set_family(facts->family);
    for (const std::string& task : facts->tasks) out->add_tasks(task);
  } else {
    spdlog::warn("model {}: {}", model.alias, facts.status().ToString());
  }
  FillDefaults(model, native_side, out->mutable_defaults());
  for (const auto& control : model.controls) out->add_controls(control.first);
  for (const auto& vae : model.vaes) out->add_vaes(vae.first);
  out->set_pixels_max(model.pixels_max);
  // The self-test may find otherwise later: the measured profile tells.
  out->set_batching(v1::BATCH_CAPABILITY_FULL);
}

}  // namespace

v1::Catalog CatalogOf(const ModelList& models) {
  v1::Catalog catalog;
  for (const OfferedModel& model : models.all()) {
    v1::CatalogModel* const out = catalog.add_models();
    FillModel(model, out);
    out->set_is_default(models.Find("") == &model);
  }
  for (const engine::SchedulerName& each : engine::SchedulerNames()) {
    catalog.add_samplers(std::string(each.name));
  }
  for (const engine::Preprocessor each : engine::AllPreprocessors()) {
    if (each == engine::Preprocessor::kNone) continue;
    catalog.add_preprocessors(std::string(engine::NameOf(each)));
  }
  return catalog;
}

}  // namespace sheaf::worker
