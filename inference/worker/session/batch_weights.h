// The control weights of one run of a batch.
#pragma once

#include <string>

#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

// The batch's own map for that row, if it has one: that map spells out a 0 for
// types that only other rows have. Otherwise the request's map.
inline const google::protobuf::Map<std::string, double>& WeightsOf(
    const v1::LeasedBatch& batch, int row) {
  return row < batch.weights_list_size() ? batch.weights_list(row).weights()
                                         : batch.runs(row).request().weights();
}

}  // namespace sheaf::worker
