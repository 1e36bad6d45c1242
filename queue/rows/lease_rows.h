// The rows of leases: batches that workers hold, and the numbers they go by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

// A lease without its lists: found also where those are damaged.
struct LeaseKey {
  BatchId batch;
  WorkerId worker;
  std::string queue;
  absl::Time start_time;
  bool operator==(const LeaseKey&) const = default;
};

class LeaseReads {
 public:
  virtual ~LeaseReads() = default;

  virtual std::optional<Batch> FindBatch(BatchId id) = 0;
  // All leased batches, or those whose lease ends by `expired_by`. Batches that
  // cannot be read are left out.
  virtual std::vector<Batch> Batches(absl::Time expired_by) = 0;
  // The same leases, none left out.
  virtual std::vector<LeaseKey> Leases(absl::Time expired_by) = 0;
};

class LeaseWrites {
 public:
  virtual ~LeaseWrites() = default;

  virtual BatchId NewBatchId() = 0;
  virtual int64_t NewEpoch() = 0;
  virtual WorkerId NewWorkerId() = 0;
  virtual void SaveBatch(const Batch& batch) = 0;
  // Gives all leases these times.
  virtual void RenewLeases(absl::Time start_time,
                           absl::Time lease_expire_time) = 0;
  virtual void DeleteBatch(BatchId id) = 0;
};

}  // namespace sheaf
