// The engine as a worker uses it: orders become rows, all rows step together,
// each row ends by itself, with a picture or with what was wrong with it.
//
// Nothing here shows LibTorch, so that programs may use it that speak other
// libraries' languages. One thread.
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
#include "inference/engine/runtime/measure.h"
#include "inference/engine/runtime/options.h"
#include "inference/engine/runtime/order.h"

namespace sheaf::engine {

class Shelf;

struct DeviceFacts {
  std::string name;
  std::string description;
  size_t memory_bytes = 0;
};

// Of this process, in memory: before what is kept for later was given back, and
// after.
struct Cleanup {
  size_t bytes_before = 0;
  size_t bytes_after = 0;
};

// What was held since the last StartMemory().
struct MemoryUse {
  size_t rows = 0;          // Most that stepped together.
  size_t peak_bytes = 0;    // 0: unknown.
  size_t ran_out_rows = 0;  // Fewest for which memory ran out; 0: it did not.
};

class Studio {
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

  // INVALID_ARGUMENT for a device or type that is none, FAILED_PRECONDITION for
  // one that is not here.
  static absl::StatusOr<std::unique_ptr<Studio>> Open(
      const StudioOptions& options);
  ~Studio();

  const DeviceFacts& device() const { return device_; }
  // From now on, Begin refuses pictures of more pixels. 0: of any number.
  void LimitPixels(int64_t most) { pixels_max_ = most; }

  // Takes on a row; loads its models where they are not there. The errors of
  // LoadModel and BeginRow: INVALID_ARGUMENT for what cannot work, NOT_FOUND
  // for files that are missing, RESOURCE_EXHAUSTED where it does not fit even
  // when nothing else is there.
  absl::StatusOr<RowId> Begin(const Order& order);

  // Advances every row one step and returns those that ended with it; they are
  // forgotten. Errors are of one row alone: INTERNAL (not numbers, or a fault
  // of ours), DATA_LOSS (its model's files were written to meanwhile),
  // RESOURCE_EXHAUSTED (it does not fit alone), ABORTED for all rows where the
  // device is beyond use, from then on.
  std::vector<End> Step();

  // Of a row that has not ended.
  Steps StepsOf(RowId row) const;
  // What the picture of a row that has not ended looks like by now; before its
  // first step, FAILED_PRECONDITION. Cheap but for a model's first (see
  // Previewer), whose errors it answers; no row changes by it.
  absl::StatusOr<Preview> PreviewOf(RowId row) const;
  // What a row has come to, for another process: a row that begins there with
  // the same order and restores this goes on as this one would. NOT_FOUND for
  // one that has ended; RESOURCE_EXHAUSTED and the like where it cannot be had.
  absl::StatusOr<std::string> Save(RowId row) const;
  // INVALID_ARGUMENT for bytes that are not of such a row on its way; it is as
  // before then.
  absl::Status Restore(RowId row, std::string_view saved);
  // The others go on as if it had never been there. Any number, also twice.
  void Drop(RowId row);

  // From now on; rows that were split because memory ran out go together again.
  // Cleans up first where it is time to, and says what came of it.
  std::optional<Cleanup> StartMemory();
  MemoryUse memory() const;

  // What the model takes here. Holds it loaded for as long as it is measured.
  std::unique_ptr<Measuring> Measure(MeasureOrder order);

 private:
  struct Slot;
  using Group = std::vector<Slot*>;

  Studio(std::unique_ptr<Shelf> shelf, DeviceFacts device,
         int batches_per_cleanup);
  absl::Status Advance(const Group& group);
  void StepTogether(const Group& group, std::vector<End>* ends);
  void StepGroup(const Group& group, std::vector<End>* ends);
  absl::StatusOr<Image> Develop(const Slot& slot) const;

  const std::unique_ptr<Shelf> shelf_;
  const DeviceFacts device_;
  const int batches_per_cleanup_;
  int64_t pixels_max_ = 0;
  int batches_ = 0;  // Since the last cleanup.
  std::map<RowId, std::unique_ptr<Slot>> rows_;
  RowId next_row_ = 1;
};

}  // namespace sheaf::engine
