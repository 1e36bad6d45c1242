// The facts of models that decide which runs go together: the values of fields
// that a run leaves out, and the differences that a model allows in a batch.
// Values; any thread may read.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "batching/rows/request_fields.h"
#include "queue/params.h"

namespace sheaf::batching {

struct ModelFacts {
  RunParams defaults;  // of absent fields, its own name among them
  Capability capability = Capability::kFull;
  bool operator==(const ModelFacts&) const = default;
};

class ModelTable {
 public:
  ModelTable() = default;
  // `default_model`: of runs that name none; empty where it is not known.
  // `others`: of models that the table does not name.
  ModelTable(std::string default_model,
             std::map<std::string, ModelFacts> models, ModelFacts others = {});

  const std::string& default_model() const { return default_model_; }
  const std::map<std::string, ModelFacts>& models() const { return models_; }
  const ModelFacts& others() const { return others_; }

  // The facts of the model by that name; "": of the default model.
  const ModelFacts& Of(std::string_view model) const;
  const ModelFacts& Of(const RunParams& params) const {
    return Of(params.model ? std::string_view(*params.model)
                           : std::string_view());
  }

 private:
  std::string default_model_;
  std::map<std::string, ModelFacts> models_;
  ModelFacts others_;
};

// Drops from `defaults` every value in which `other` differs: what remains is
// true of both.
void KeepCommonDefaults(const RunParams& other, RunParams* defaults);

}  // namespace sheaf::batching
