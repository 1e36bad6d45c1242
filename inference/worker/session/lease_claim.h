// The words by which a call shows that it may speak for a lease.
#pragma once

#include <cstdint>
#include <string>

#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::worker {

struct LeaseClaim {
  LeaseClaim() = default;
  LeaseClaim(const std::string& worker, const v1::LeasedBatch& batch)
      : worker(worker),
        batch(batch.name()),
        epoch(batch.epoch()),
        secret(batch.secret()) {}

  template <class Request>
  void ShowIn(Request* request) const {
    request->set_worker(worker);
    request->set_batch(batch);
    request->set_epoch(epoch);
    request->set_secret(secret);
  }

  std::string worker;
  std::string batch;
  int64_t epoch = 0;
  std::string secret;  // Never logged.
};

}  // namespace sheaf::worker
