// The diffusion engine behind a session: leased runs become rows of the
// runtime.
//
// Owned and called by one thread, as every engine.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inference/engine/runtime/image_runtime.h"
#include "inference/engine/tensor/beats.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/torch/catalog.h"
#include "inference/worker/torch/measurer.h"
#include "inference/worker/torch/model_list.h"
#include "inference/worker/torch/request_resolver.h"

namespace sheaf::worker {

class TorchEngine : public Engine {
 public:
  TorchEngine(ModelList models, std::unique_ptr<engine::ImageRuntime> runtime,
              FetchArtifact fetch, MeasuringOptions measuring = {},
              RequestLimits limits = {})
      : models_(std::move(models)),
        runtime_(std::move(runtime)),
        resolver_(&models_, std::move(fetch), limits),
        measurer_(&models_, runtime_.get(), measuring) {}

  // Lives as long as the engine.
  Measurer* measurer() { return &measurer_; }

  std::vector<v1::Device> Devices() const override;
  v1::Catalog Catalog() const override { return CatalogOf(models_); }
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
    int index = 0;                       // Into the batch's runs.
    engine::ImageRuntime::RowId id = 0;  // 0: it could not begin.
    engine::ImageRequest wanted;
    // Control pictures that were made for the run, by the names of its outputs.
    std::vector<std::pair<std::string, engine::Image>> maps;
  };

  static const std::string& RunOf(const Row& row) {
    return row.batch->runs(row.index).run();
  }
  absl::Status TryToBegin(Row* row);
  absl::Status BeginRow(Row* row);
  // Sets the row to the state that another worker saved. Without a usable
  // state, the row starts from its first step.
  void Restore(const Row& row);
  // A hash of everything that decides the picture, as its file describes it.
  std::string MakingOf(const Row& row) const;
  // Logs that memory ran out, once for each number of rows.
  void NoteRanOut();
  RowEnd EndOf(int64_t number, Row row, absl::StatusOr<engine::Image> image);

  const ModelList models_;
  const std::unique_ptr<engine::ImageRuntime> runtime_;
  RequestResolver resolver_;
  TorchMeasurer measurer_;
  std::map<int64_t, Row> rows_;  // Live rows, by number.
  int64_t next_row_ = 0;
  std::map<engine::ImageRuntime::RowId, int64_t> number_of_;
  std::vector<RowEnd> untold_;  // Ended before their first step.
  size_t ran_out_rows_ = 0;     // As last logged.
  absl::Status health_;
};

}  // namespace sheaf::worker
