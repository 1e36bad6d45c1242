// Turns a leased run into the engine's request: translates the wire's words,
// fetches the pictures and finds the model.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/engine/runtime/image_request.h"
#include "inference/worker/torch/model_list.h"
#include "inference/worker/torch/run_controls.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// The bytes of `artifacts/{sha256}`. UNAVAILABLE and the like may pass with
// time; NOT_FOUND and DATA_LOSS will not.
using FetchArtifact =
    std::function<absl::StatusOr<std::string>(const std::string& name)>;

// The most that one run may cost. Where the default is 0, 0 means any number.
struct RequestLimits {
  int64_t pixels_max = 0;       // In its picture.
  int64_t pixel_steps_max = 0;  // Pixels times steps.
  // Pixels of all pictures that the run names, read from the files before they
  // are unpacked: 284 KB may hold 64 million.
  int64_t source_pixels_max = int64_t{64} << 20;
};

// One thread.
class RequestResolver {
 public:
  // The models must outlive the resolver.
  RequestResolver(const ModelList* models, FetchArtifact fetch,
                  RequestLimits limits = {})
      : models_(models), fetch_(std::move(fetch)), limits_(limits) {}

  // The request of the batch's row `row`. INVALID_ARGUMENT or NOT_FOUND if it
  // can never work (no such model, a control without a picture, a broken
  // picture, a wish that this engine does not know, more than the limits); also
  // the errors of fetching. Those that may pass with time are all UNAVAILABLE,
  // because other codes speak of the device: RESOURCE_EXHAUSTED of its memory.
  absl::StatusOr<engine::ImageRequest> Take(const v1::LeasedBatch& batch,
                                            int row);

 private:
  absl::Status CheckSize(const OfferedModel& model,
                         const engine::RunRequest& request) const;
  absl::StatusOr<std::string> Fetch(const std::string& artifact) const;
  absl::StatusOr<engine::Image> Picture(const std::string& artifact);
  // Counts the pixels of one more picture of the run at hand.
  absl::Status CountSource(int64_t pixels);
  absl::Status AddRefiner(const v1::RunRequest& wish,
                          engine::ImageRequest* wanted);
  absl::Status AddControls(const v1::LeasedBatch& batch, int row,
                           const OfferedModel& model,
                           engine::ImageRequest* wanted);
  // The control's picture or, where it has a detector, what that makes of its
  // picture or of the first picture of the run; that is empty where there is
  // none.
  absl::StatusOr<engine::Image> ControlPicture(const RunControl& control,
                                               const engine::Image& init_image);
  absl::Status AddPictures(const v1::RunRequest& wish,
                           engine::RunRequest* request);

  const ModelList* const models_;
  const FetchArtifact fetch_;
  const RequestLimits limits_;
  int64_t source_pixels_ = 0;  // Total for the run at hand.
  // A cache, because rows of a batch mostly share their pictures: the last used
  // first, without large ones.
  std::list<std::pair<std::string, engine::Image>> pictures_;
};

}  // namespace sheaf::worker
