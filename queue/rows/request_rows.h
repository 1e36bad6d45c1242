// The rows of requests. InsertJob makes them (job_rows.h), and DeleteJob marks
// them as those of a job that is gone.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

// The job that a request_id made; it is known longer than the job is there.
struct RequestRecord {
  JobId job;
  std::string payload_digest;
};

class RequestReads {
 public:
  virtual ~RequestReads() = default;

  virtual std::optional<RequestRecord> FindRequest(
      const std::string& owner, const std::string& request_id) = 0;
  // Requests of jobs that were deleted by then, counted up to `limit`.
  virtual int CountSpentRequests(absl::Time deleted_by, int limit) = 0;
};

class RequestWrites {
 public:
  virtual ~RequestWrites() = default;

  // Forgets requests of jobs that were deleted by then, `limit` at the most;
  // answers how many.
  virtual int DeleteSpentRequests(absl::Time deleted_by, int limit) = 0;
};

}  // namespace sheaf
