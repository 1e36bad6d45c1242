// Measures the models of a runtime, so that the server can price plans.
//
// Owned by the engine and called by its thread. Borrows the models and the
// runtime.
#pragma once

#include <compare>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "batching/pricing/profile.h"
#include "inference/engine/runtime/image_runtime.h"
#include "inference/worker/process/flags.h"
#include "inference/worker/session/model_measuring.h"
#include "inference/worker/torch/model_list.h"

namespace sheaf::worker {

class TorchMeasurer : public Measurer {
 public:
  TorchMeasurer(const ModelList* models, engine::ImageRuntime* runtime,
                MeasuringOptions options)
      : models_(models), runtime_(runtime), options_(options) {}

  void WantAll() override;
  void Want(const v1::LeasedBatch& batch) override;
  bool wants() const override { return !waiting_.empty(); }
  std::vector<v1::ReportProfileRequest> Advance() override;

 private:
  struct Work {
    std::string alias;
    int width = 0;
    int height = 0;
    auto operator<=>(const Work&) const = default;
  };

  void Begin(const Work& work);
  std::vector<v1::ReportProfileRequest> ProfilesOf(
      const Work& work, const engine::Measurements& found) const;

  const ModelList* const models_;
  engine::ImageRuntime* const runtime_;
  const MeasuringOptions options_;
  std::deque<Work> waiting_;  // The first is being measured.
  std::set<Work> done_;       // Or tried.
  std::unique_ptr<engine::Measuring> measuring_;
};

// The measurements in the form that the cost model wants.
batching::Profile ProfileOf(const engine::Measurements& found);

}  // namespace sheaf::worker
