#include "server/wire/convert_catalog.h"

#include <set>
#include <string>
#include <utility>

#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

std::set<std::string> SetOf(const Texts& texts) {
  return {texts.begin(), texts.end()};
}

void Fill(const std::set<std::string>& names, Texts* out) {
  out->Add(names.begin(), names.end());
}

CatalogModel ModelOf(const pb::CatalogModel& in) {
  CatalogModel model;
  model.name = in.name();
  model.family = in.family();
  model.is_default = in.is_default();
  model.facts.defaults = FromProto(in.defaults());
  if (in.batching() != pb::BATCH_CAPABILITY_UNSPECIFIED) {
    model.facts.capability = static_cast<batching::Capability>(in.batching());
  }
  model.tasks = SetOf(in.tasks());
  model.controls = SetOf(in.controls());
  model.loras = SetOf(in.loras());
  model.vaes = SetOf(in.vaes());
  model.pixels_max = in.pixels_max();
  return model;
}

void FillModel(const CatalogModel& model, pb::CatalogModel* out) {
  out->set_name(model.name);
  out->set_family(model.family);
  out->set_is_default(model.is_default);
  ToProto(model.facts.defaults, out->mutable_defaults());
  out->set_batching(static_cast<pb::BatchCapability>(model.facts.capability));
  Fill(model.tasks, out->mutable_tasks());
  Fill(model.controls, out->mutable_controls());
  Fill(model.loras, out->mutable_loras());
  Fill(model.vaes, out->mutable_vaes());
  out->set_pixels_max(model.pixels_max);
}

}  // namespace

Catalog FromProto(const pb::Catalog& in) {
  Catalog catalog;
  catalog.bytes = static_cast<int64_t>(in.ByteSizeLong());
  catalog.samplers = SetOf(in.samplers());
  catalog.preprocessors = SetOf(in.preprocessors());
  for (const pb::CatalogModel& model : in.models()) {
    catalog.models.emplace(model.name(), ModelOf(model));
  }
  return catalog;
}

void ToProto(const OfferedTogether& offered, int64_t bytes_max,
             pb::GetCatalogResponse* out) {
  Fill(offered.samplers, out->mutable_samplers());
  Fill(offered.preprocessors, out->mutable_preprocessors());
  auto bytes = static_cast<int64_t>(out->ByteSizeLong());
  for (const OfferedModel& each : offered.models) {
    if (bytes > bytes_max) {
      out->set_models_left_out(out->models_left_out() + 1);
      continue;
    }
    pb::OfferedModel* theirs = out->add_models();
    FillModel(each.model, theirs->mutable_model());
    for (const WorkerId worker : each.workers) {
      theirs->add_workers(NameOf(worker));
    }
    bytes += static_cast<int64_t>(theirs->ByteSizeLong());
    if (bytes <= bytes_max) continue;
    out->mutable_models()->RemoveLast();
    out->set_models_left_out(1);
  }
}

}  // namespace sheaf::server
