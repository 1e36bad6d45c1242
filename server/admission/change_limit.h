// Limits how many changes a second one address may ask for. Each change writes
// an event, and one client's events must not push out those that others look
// for.
//
// Each address has a bucket of tokens, filled by the steady clock. A bucket
// that others of the address have emptied still has a reserve for connections
// that ask for little: a flood does not keep an operator at the same address
// from pausing.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/admission/caller.h"

namespace sheaf::server {

// Any thread.
class ChangeLimit {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Allows `per_second` changes a second, and ten seconds' worth at once; 0: no
  // limit.
  explicit ChangeLimit(int per_second,
                       Clock clock = std::chrono::steady_clock::now)
      : per_second_(per_second), clock_(std::move(clock)) {}

  // Takes a token of the caller's address, for its connection. OVERLOADED where
  // the address has none left.
  absl::Status Take(const Caller& caller);

 private:
  struct Bucket {
    double tokens;
    std::chrono::steady_clock::time_point filled;
  };
  using Buckets = absl::flat_hash_map<std::string, Bucket>;

  // The bucket of that name, filled up to now. Full buckets carry no
  // information, and are dropped when there are many.
  Bucket& BucketOf(const std::string& name, double per_second, double most,
                   Buckets* buckets) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double per_second_;
  const Clock clock_;
  absl::Mutex mutex_;
  Buckets addresses_ ABSL_GUARDED_BY(mutex_);
  Buckets connections_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sheaf::server
