// The diffusion engine behind a session: leased runs become rows of the studio.
//
// Owned and called by one thread, as every engine.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "inference/engine/runtime/studio.h"
#include "inference/engine/tensor/beats.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/torch/measurer.h"
#include "inference/worker/torch/model_list.h"
#include "inference/worker/torch/orders.h"

namespace sheaf::worker {

class TorchEngine : public Engine {
 public:
  TorchEngine(ModelList models, std::unique_ptr<engine::Studio> studio,
              FetchArtifact fetch, MeasuringOptions measuring = {},
              OrderLimits limits = {})
      : models_(std::move(models)),
        studio_(std::move(studio)),
        desk_(&models_, std::move(fetch), limits),
        measurer_(&models_, studio_.get(), measuring) {}

  // Lives as long as the engine.
  Measurer* measurer() { return &measurer_; }

  std::vector<v1::Device> Devices() const override;
  // Loads models and fetches pictures: this can take long.
  int64_t Add(const v1::LeasedBatch& batch) override;
  std::vector<RowEnd> Step() override;
  RowSteps StepsOf(int64_t row) const override;
  v1::BatchMemory Memory() const override;
  PngMaker Preview(int64_t number) override;
  int64_t Beats() const override { return engine::Beats(); }
  absl::Status Health() const override { return health_; }
  void Cancel(int64_t row) override;
  std::string Save(int64_t number) override;

 private:
  struct Row {
    std::shared_ptr<const v1::LeasedBatch> batch;
    int index = 0;                 // Into the batch's runs.
    engine::Studio::RowId id = 0;  // 0: it could not begin.
    engine::Order order;
  };

  static const std::string& RunOf(const Row& row) {
    return row.batch->runs(row.index).run();
  }
  absl::Status BeginRow(Row* row);
  // Goes on from where another worker left it, or begins at the beginning.
  void Restore(const Row& row);
  // Of all that a picture is made of, as its file will say.
  std::string MakingOf(const Row& row) const;
  // Says so in the log, once for each number of rows.
  void NoteRanOut();
  RowEnd EndOf(int64_t number, const Row& row,
               absl::StatusOr<engine::Image> image);

  const ModelList models_;
  const std::unique_ptr<engine::Studio> studio_;
  OrderDesk desk_;
  TorchMeasurer measurer_;
  std::map<int64_t, Row> rows_;  // Those alive, by number.
  int64_t next_row_ = 0;
  std::map<engine::Studio::RowId, int64_t> number_of_;
  std::vector<RowEnd> untold_;  // Ended before their first step.
  size_t ran_out_rows_ = 0;     // As last said.
  absl::Status health_;
};

}  // namespace sheaf::worker
