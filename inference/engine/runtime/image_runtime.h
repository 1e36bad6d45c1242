// The engine as a worker uses it: requests become rows, all rows step together,
// and each row ends by itself, with a picture or with an error.
//
// This header does not include LibTorch, so that code that uses it may include
// other libraries' headers. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/image/image.h"
#include "inference/engine/image/preview.h"
#include "inference/engine/runtime/image_request.h"
#include "inference/engine/runtime/measure.h"
#include "inference/engine/runtime/options.h"
#include "inference/engine/tensor/devices.h"

namespace sheaf::engine {

class ModelCache;
class Row;
struct Model;

// The process's bytes in memory, before and after it gave back memory that was
// kept for later.
struct Cleanup {
  size_t bytes_before = 0;
  size_t bytes_after = 0;
};

// The most rows and memory used since the last StartMemory().
struct MemoryUse {
  size_t rows = 0;          // Most that stepped together.
  size_t peak_bytes = 0;    // Of the device's memory; 0: unknown.
  size_t ran_out_rows = 0;  // Fewest for which memory ran out; 0: it did not.
};

class ImageRuntime {
 public:
  using RowId = int64_t;
  struct Steps {
    size_t done = 0;
    size_t count = 0;
  };
  // How a row ended.
  struct End {
    RowId row = 0;
    absl::StatusOr<Image> image;
  };

  // INVALID_ARGUMENT for an unknown device or type, FAILED_PRECONDITION for a
  // device that is not here.
  static absl::StatusOr<std::unique_ptr<ImageRuntime>> Open(
      const RuntimeOptions& options);
  ~ImageRuntime();

  const DeviceFacts& device() const { return device_; }
  // From now on, Begin refuses pictures of more than `most` pixels. 0: no
  // bound.
  void LimitPixels(int64_t most) { pixels_max_ = most; }

  // Begins a row; loads its models where they are not loaded yet, except for a
  // refiner, which is loaded when it takes over. The errors of LoadModel and
  // BeginRow: INVALID_ARGUMENT for a request that cannot work, NOT_FOUND for
  // files that are missing, RESOURCE_EXHAUSTED where the row does not fit even
  // after all unused models were put away.
  absl::StatusOr<RowId> Begin(const ImageRequest& wanted);

  // Advances every row by one step. Returns the rows that ended with it and
  // forgets them. An error is about one row alone: INTERNAL (not numbers, or a
  // fault of ours), DATA_LOSS (its model's files were written to meanwhile),
  // RESOURCE_EXHAUSTED (it does not fit alone), those of Begin for a row whose
  // refiner cannot take over. Only ABORTED is for all rows,
  // from then on: the device can no longer be used.
  std::vector<End> Step();

  // The steps of a row that has not ended.
  Steps StepsOf(RowId row) const;
  // A preview of a row. FAILED_PRECONDITION before the row's first step and
  // after its end; the errors of Previewer. Cheap, except for a model's first
  // preview (see Previewer). Changes no row.
  absl::StatusOr<Preview> PreviewOf(RowId row) const;
  // A row's progress, for another process: a row that begins there with the
  // same request and restores this goes on as this row would. NOT_FOUND for a
  // row that has ended, DATA_LOSS where its model's files were written to;
  // RESOURCE_EXHAUSTED and the other errors of Guard().
  absl::StatusOr<std::string> Save(RowId row) const;
  // INVALID_ARGUMENT for bytes that do not come from Save() of such a row,
  // unfinished; then the row stays as it was.
  absl::Status Restore(RowId row, std::string_view saved);
  // Drops a row; the others go on as if it had never been there. `row` may be
  // any number, also one that was dropped before.
  void Drop(RowId row);

  // Begins a new count for memory(); rows that were split because memory ran
  // out go together again. Where a cleanup is due, makes it first and returns
  // its result.
  std::optional<Cleanup> StartMemory();
  MemoryUse memory() const;

  // Measures what a model costs here. The model stays loaded while it is
  // measured.
  std::unique_ptr<Measuring> Measure(MeasureRequest wanted);

 private:
  struct Slot;
  using Group = std::vector<Slot*>;

  ImageRuntime(std::unique_ptr<ModelCache> cache, DeviceFacts device,
               int batches_per_cleanup);
  // BeginRow; puts unused models away where memory runs out.
  absl::StatusOr<Row> BeginWithRoom(const Model& model,
                                    const RunRequest& request);
  // Lets the refiner take over a row as its base left it.
  absl::Status HandOver(Slot* slot);
  absl::Status Advance(const Group& group);
  void StepTogether(const Group& group, std::vector<End>* ends);
  void StepGroup(const Group& group, std::vector<End>* ends);
  absl::StatusOr<Image> Develop(const Slot& slot) const;

  const std::unique_ptr<ModelCache> cache_;
  const DeviceFacts device_;
  const int batches_per_cleanup_;
  int64_t pixels_max_ = 0;
  int batches_ = 0;  // Since the last cleanup.
  std::map<RowId, std::unique_ptr<Slot>> rows_;
  RowId next_row_ = 1;
};

}  // namespace sheaf::engine
