#include "server/admission/change_limit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

constexpr double kBurstSeconds = 10;
constexpr size_t kBucketsMax = 4096;
// A connection that asks for no more than this may use its address's reserve.
constexpr double kQuietPerSecond = 1;
constexpr double kQuietBurst = 20;

double Since(std::chrono::steady_clock::time_point then,
             std::chrono::steady_clock::time_point now) {
  return std::chrono::duration<double>(now - then).count();
}

}  // namespace

absl::Status ChangeLimit::Take(const Caller& caller) {
  if (per_second_ <= 0) return absl::OkStatus();
  const double most = per_second_ * kBurstSeconds;
  absl::MutexLock lock(&mutex_);
  Bucket& shared = BucketOf(caller.address, per_second_, most, &addresses_);
  Bucket& own =
      BucketOf(caller.connection, kQuietPerSecond, kQuietBurst, &connections_);
  const bool is_quiet = own.tokens >= 1;
  if (is_quiet) own.tokens -= 1;
  // The reserve lets the tokens go below zero, by half of `most`.
  if (shared.tokens >= 1 || (is_quiet && shared.tokens - 1 >= -most / 2)) {
    shared.tokens -= 1;
    return absl::OkStatus();
  }
  return WithRetryAfter(
      Error(Reason::kOverloaded,
            absl::StrCat("this address has asked for more changes than ",
                         per_second_, " a second (changes_per_second)")),
      absl::Seconds(1));
}

ChangeLimit::Bucket& ChangeLimit::BucketOf(const std::string& name,
                                           double per_second, double most,
                                           Buckets* buckets) {
  const auto now = clock_();
  if (buckets->size() >= kBucketsMax) {
    absl::erase_if(*buckets, [&](const auto& known) {
      const auto& [of, bucket] = known;
      return bucket.tokens + per_second * Since(bucket.filled, now) >= most;
    });
    // Honest clients are never this many.
    if (buckets->size() >= kBucketsMax) buckets->clear();
  }
  Bucket& bucket = buckets->try_emplace(name, Bucket{most, now}).first->second;
  bucket.tokens =
      std::min(most, bucket.tokens + per_second * Since(bucket.filled, now));
  bucket.filled = now;
  return bucket;
}

}  // namespace sheaf::server
