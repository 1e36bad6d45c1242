// From a leased run to an order: the request as the wire has it, in the
// engine's words, with its pictures fetched and its model found.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/engine/image/metadata.h"
#include "inference/engine/runtime/order.h"
#include "inference/worker/torch/model_list.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// The bytes of `artifacts/{sha256}`. UNAVAILABLE and the like may pass;
// NOT_FOUND and DATA_LOSS will not.
using FetchArtifact =
    std::function<absl::StatusOr<std::string>(const std::string& name)>;

// The most that one run may cost. 0: any number, where that is the default.
struct OrderLimits {
  int64_t pixels_max = 0;       // Of its picture.
  int64_t pixel_steps_max = 0;  // The same, times its steps.
  // Pixels of all pictures that the run names, as the files say before they are
  // unpacked: 284 KB may hold 64 million.
  int64_t source_pixels_max = int64_t{64} << 20;
};

// One thread.
class OrderDesk {
 public:
  // The models live as long as the desk.
  OrderDesk(const ModelList* models, FetchArtifact fetch,
            OrderLimits limits = {})
      : models_(models), fetch_(std::move(fetch)), limits_(limits) {}

  // What the batch's `row` asks for. INVALID_ARGUMENT or NOT_FOUND for what can
  // never work (no such model, a control without a picture, a broken picture, a
  // wish that this engine does not know, more than the limits), and the errors
  // of the fetching.
  absl::StatusOr<engine::Order> Take(const v1::LeasedBatch& batch, int row);

 private:
  absl::Status CheckSize(const OfferedModel& model,
                         const engine::RunRequest& request) const;
  absl::StatusOr<engine::Image> Picture(const std::string& artifact);
  // Counts a picture of the run at hand.
  absl::Status CountSource(int64_t pixels);
  absl::Status AddControls(const v1::LeasedBatch& batch, int row,
                           const OfferedModel& model, engine::Order* order);
  absl::Status AddPictures(const v1::RunRequest& wish,
                           engine::RunRequest* request);

  const ModelList* const models_;
  const FetchArtifact fetch_;
  const OrderLimits limits_;
  int64_t source_pixels_ = 0;  // Of the run at hand, so far.
  // Rows of a batch mostly share their pictures. The newest first; large ones
  // are not kept.
  std::list<std::pair<std::string, engine::Image>> pictures_;
};

// What to write into the picture's file, so that it can be made again. Says
// nothing of the time, the worker or the other rows: equal runs have equal
// files.
engine::Generation DescriptionOf(const v1::LeasedBatch& batch, int row,
                                 const engine::Order& order,
                                 const engine::Image& image,
                                 const ModelList& models);

}  // namespace sheaf::worker
