// Models in memory: loaded when first asked for, put away when there is no room
// for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/pipeline/preview.h"
#include "inference/engine/pipeline/row_stepper.h"
#include "inference/engine/runtime/image_request.h"

namespace sheaf::engine {

// A loaded model, with the stepper and the previewer of its rows.
struct LoadedModel {
  explicit LoadedModel(std::shared_ptr<const Model> loaded)
      : model(std::move(loaded)),
        engine(model->denoiser),
        previewer(model->vae.get()) {}

  const std::shared_ptr<const Model> model;
  const RowStepper engine;
  Previewer previewer;
  std::map<std::string, std::shared_ptr<const ControlModel>> controls;
  size_t bytes = 0;
  double load_ms = 0;
  // The files it was loaded from, by the numbers that MappedFile gave them.
  std::vector<std::pair<uint64_t, uint64_t>> files;

  // DATA_LOSS where one of them was written to: results since then are neither
  // the old model's nor the new one's.
  absl::Status Check() const;
  // False once rows that stepped together gave other results than rows that
  // stepped alone.
  bool rows_agree = true;
  uint64_t last_use = 0;
};

// One thread.
class ModelCache {
 public:
  struct Options {
    Placement placement;
    // All models together hold no more than this, unless the models in use take
    // more. 0: no bound.
    size_t bytes_max = 0;
  };

  explicit ModelCache(Options options) : options_(options) {}

  // A loaded model is kept at least as long as a caller holds it. A model whose
  // files were written to is loaded again. The errors of LoadModel.
  absl::StatusOr<std::shared_ptr<LoadedModel>> Get(const ModelPlace& place);
  // A control for the loaded model, which the caller holds; it is kept with the
  // model. The errors of Denoiser::LoadControl.
  absl::StatusOr<std::shared_ptr<const ControlModel>> GetControl(
      LoadedModel* loaded, const std::string& folder);

  // Puts away the least recently used of the models that no caller holds. False
  // where there is none.
  bool PutOneAway();

  // RowStepper::together() and ForgetLimits() over all models.
  RowStepper::Together together() const;
  void ForgetLimits() const;

  size_t bytes() const;
  at::Device device() const { return options_.placement.device; }

 private:
  struct Loading {
    absl::Time begin;
    uint64_t first_file = 0;
    size_t bytes = 0;  // Tensor memory that was added.
  };

  // Calls `load`. Where memory runs out, puts unused models away, one by one,
  // and tries again.
  template <typename Load>
  auto WithRoom(Loading* loading, const Load& load);
  void MakeRoom();

  const Options options_;
  std::map<ModelPlace, std::shared_ptr<LoadedModel>> loaded_;
  uint64_t uses_ = 0;
};

}  // namespace sheaf::engine
