#include "server/scheduling/offers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "queue/order.h"

namespace sheaf::server {
namespace {

using batching::Capability;
using batching::ModelFacts;
using batching::ModelTable;

// Whether runs that are batched may come to the worker.
bool Batches(const Lessee& worker) {
  return IsAnything(worker.kinds) ||
         std::any_of(worker.kinds.begin(), worker.kinds.end(),
                     [](const std::string& kind) { return IsBatchable(kind); });
}

bool Takes(const Lessee& worker, const std::string& model) {
  return IsAnything(worker.models) || worker.models.Contains(model);
}

// The names of the models that it takes and that it or its registration names.
std::set<std::string> NamesOf(const WorkerInfo& worker) {
  std::set<std::string> names(worker.lessee.models.begin(),
                              worker.lessee.models.end());
  if (worker.catalog != nullptr) {
    for (const auto& [name, model] : worker.catalog->models) {
      if (Takes(worker.lessee, name)) names.insert(name);
    }
  }
  names.erase(kAnyModel);
  return names;
}

ModelFacts FactsOn(const WorkerInfo& worker, const std::string& model,
                   const PricesBoard& prices) {
  ModelFacts facts;
  if (worker.models != nullptr) facts = worker.models->Of(model);
  if (prices.StepsAlone(worker.lessee.device, model)) {
    facts.capability = Capability::kDisabled;
  }
  return facts;
}

void Merge(const ModelFacts& other, ModelFacts* facts) {
  batching::KeepCommonDefaults(other.defaults, &facts->defaults);
  facts->capability = std::max(facts->capability, other.capability);
}

// The facts of a model on which all of the workers that take it agree.
ModelFacts CommonFacts(const std::vector<const WorkerInfo*>& workers,
                       const std::string& model, const PricesBoard& prices) {
  ModelFacts common;
  bool is_first = true;
  for (const WorkerInfo* worker : workers) {
    if (!Takes(worker->lessee, model)) continue;
    const ModelFacts facts = FactsOn(*worker, model, prices);
    if (std::exchange(is_first, false)) {
      common = facts;
    } else {
      Merge(facts, &common);
    }
  }
  return common;
}

void AddTo(const std::set<std::string>& names, std::set<std::string>* all) {
  all->insert(names.begin(), names.end());
}

// How the worker describes the model; by its name alone where it does not.
CatalogModel Described(const WorkerInfo& worker, const std::string& name) {
  CatalogModel model;
  if (worker.catalog != nullptr) {
    const auto& models = worker.catalog->models;
    auto found = models.find(name);
    if (found == models.end()) found = models.find(kAnyModel);
    if (found != models.end()) model = found->second;
  }
  model.name = name;
  return model;
}

void Merge(CatalogModel other, OfferedModel* offered) {
  if (offered->workers.empty()) {
    offered->model = std::move(other);
    return;
  }
  CatalogModel& model = offered->model;
  if (model.family != other.family) model.family.clear();
  model.is_default &= other.is_default;
  Merge(other.facts, &model.facts);
  AddTo(other.tasks, &model.tasks);
  AddTo(other.controls, &model.controls);
  AddTo(other.loras, &model.loras);
  AddTo(other.vaes, &model.vaes);
  const bool is_bounded = model.pixels_max > 0 && other.pixels_max > 0;
  model.pixels_max =
      is_bounded ? std::max(model.pixels_max, other.pixels_max) : 0;
}

}  // namespace

std::shared_ptr<const ModelTable> CommonModels(
    const std::vector<WorkerInfo>& workers, const PricesBoard& prices) {
  std::vector<const WorkerInfo*> batchers;
  std::set<std::string> names;
  std::set<std::string> defaults;  // the default model of each; "": unknown
  std::vector<const WorkerInfo*> of_any_model;
  for (const WorkerInfo& worker : workers) {
    if (worker.draining || !Batches(worker.lessee)) continue;
    batchers.push_back(&worker);
    names.merge(NamesOf(worker));
    defaults.insert(worker.models == nullptr ? ""
                                             : worker.models->default_model());
    if (IsAnything(worker.lessee.models)) of_any_model.push_back(&worker);
  }
  std::map<std::string, ModelFacts> models;
  for (const std::string& name : names) {
    models.emplace(name, CommonFacts(batchers, name, prices));
  }
  return std::make_shared<const ModelTable>(
      defaults.size() == 1 ? *defaults.begin() : "", std::move(models),
      // No worker calls a model so.
      CommonFacts(of_any_model, kAnyModel, prices));
}

OfferedTogether OfferedBy(const std::vector<WorkerInfo>& workers,
                          const PricesBoard& prices) {
  OfferedTogether together;
  std::map<std::string, OfferedModel> models;
  for (const WorkerInfo& worker : workers) {
    if (worker.draining) continue;
    std::set<std::string> names = NamesOf(worker);
    if (IsAnything(worker.lessee.models)) names.insert(kAnyModel);
    for (const std::string& name : names) {
      CatalogModel model = Described(worker, name);
      if (prices.StepsAlone(worker.lessee.device, name)) {
        model.facts.capability = Capability::kDisabled;
      }
      OfferedModel& offered = models[name];
      Merge(std::move(model), &offered);
      offered.workers.push_back(worker.lessee.id);
    }
    if (worker.catalog == nullptr) continue;
    AddTo(worker.catalog->samplers, &together.samplers);
    AddTo(worker.catalog->preprocessors, &together.preprocessors);
  }
  for (auto& [name, offered] : models) {
    together.models.push_back(std::move(offered));
  }
  return together;
}

}  // namespace sheaf::server
