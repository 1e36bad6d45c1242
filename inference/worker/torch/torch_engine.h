// The diffusion engine behind a session: leased runs become rows of the studio.
//
// Owned and called by one thread, as every engine.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "inference/studio/studio.h"
#include "inference/worker/engine.h"
#include "inference/worker/torch/measurer.h"
#include "inference/worker/torch/model_list.h"
#include "inference/worker/torch/orders.h"

namespace sheaf::worker {

class TorchEngine : public Engine {
 public:
  TorchEngine(ModelList models, std::unique_ptr<engine::Studio> studio,
              FetchArtifact fetch, MeasuringOptions measuring = {})
      : models_(std::move(models)),
        studio_(std::move(studio)),
        desk_(&models_, std::move(fetch)),
        measurer_(&models_, studio_.get(), measuring) {}

  // Lives as long as the engine.
  Measurer* measurer() { return &measurer_; }

  std::vector<v1::Device> Devices() const override;
  // Loads models and fetches pictures: this can take long.
  void Begin(const v1::LeasedBatch& batch) override;
  std::vector<RowEnd> Step() override;
  std::vector<RowSteps> Steps() const override;
  v1::BatchMemory Memory() const override;
  PngMaker Preview(int row) override;
  absl::Status Health() const override { return health_; }
  void Cancel(int row) override;
  std::string Save(int row) override;

 private:
  struct Row {
    engine::Studio::RowId id = 0;
    engine::Order order;
    RowSteps steps;
    bool live = false;
  };

  absl::Status BeginRow(int index);
  // Goes on from where another worker left it, or begins at the beginning.
  void Restore(int index);
  // Of all that a picture is made of, as its file will say.
  std::string MakingOf(int index) const;
  // Says so in the log, once for each number of rows.
  void NoteRanOut();
  RowEnd EndOf(int index, absl::StatusOr<engine::Image> image);

  const ModelList models_;
  const std::unique_ptr<engine::Studio> studio_;
  OrderDesk desk_;
  TorchMeasurer measurer_;
  v1::LeasedBatch batch_;
  std::vector<Row> rows_;
  std::map<engine::Studio::RowId, int> index_of_;
  std::vector<RowEnd> untold_;  // Ended before their first step.
  size_t ran_out_rows_ = 0;     // As last said.
  absl::Status health_;
};

}  // namespace sheaf::worker
