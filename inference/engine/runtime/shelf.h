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
#include "inference/engine/models/controlnet.h"
#include "inference/engine/pipeline/engine.h"
#include "inference/engine/pipeline/model.h"
#include "inference/engine/pipeline/preview.h"
#include "inference/engine/runtime/order.h"

namespace sheaf::engine {

// A loaded model and what steps its rows.
struct Desk {
  explicit Desk(std::shared_ptr<const Model> loaded)
      : model(std::move(loaded)),
        engine(model->unet),
        previewer(model->vae.get()) {}

  const std::shared_ptr<const Model> model;
  const Engine engine;
  Previewer previewer;
  std::map<std::string, std::shared_ptr<const ControlNet>> controls;
  size_t bytes = 0;
  double load_ms = 0;
  // The files it was loaded from, by the numbers that MappedFile gave them.
  std::vector<std::pair<uint64_t, uint64_t>> files;

  // DATA_LOSS where one of them was written to: what is computed with it since
  // is of neither model.
  absl::Status Check() const;
  // False once rows that stepped together were not what they are alone.
  bool rows_agree = true;
  uint64_t last_use = 0;
};

// One thread.
class Shelf {
 public:
  struct Options {
    Placement placement;
    // Models together hold no more, unless rows need more than that at once. 0:
    // as much as there is.
    size_t bytes_max = 0;
  };

  explicit Shelf(Options options) : options_(options) {}

  // A desk is kept as long as somebody else holds it. A model whose files were
  // written to since is loaded anew. The errors of LoadModel.
  absl::StatusOr<std::shared_ptr<Desk>> Get(const ModelPlace& place);
  // A ControlNet for the desk's model, kept with it. The errors of
  // ControlNet::Load.
  absl::StatusOr<std::shared_ptr<const ControlNet>> GetControl(
      Desk* desk, const std::string& folder);

  // Puts away the model that nobody holds and that was not asked for longest.
  // False where there is none.
  bool PutOneAway();

  // Of all desks: Engine::together() and ForgetLimits().
  Engine::Together together() const;
  void ForgetLimits() const;

  size_t bytes() const;

 private:
  void MakeRoom();

  const Options options_;
  std::map<ModelPlace, std::shared_ptr<Desk>> desks_;
  uint64_t uses_ = 0;
};

}  // namespace sheaf::engine
