// How a run's picture was made, to be written into its file so that the picture
// can be made again.
//
// Pure functions; any thread.
#pragma once

#include <string>

#include "inference/engine/image/metadata.h"
#include "inference/engine/runtime/image_request.h"
#include "inference/worker/torch/model_list.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// The alias of the VAE that a run takes with a model; empty: the model's own.
std::string VaeOf(const OfferedModel& model, const v1::RunRequest& wish);

// The description says nothing of the time, the worker or the other rows, so
// that equal runs have equal files.
engine::Generation DescriptionOf(const v1::LeasedBatch& batch, int row,
                                 const engine::ImageRequest& wanted,
                                 const engine::Image& image,
                                 const ModelList& models);

}  // namespace sheaf::worker
