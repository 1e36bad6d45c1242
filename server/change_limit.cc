#include "server/change_limit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

constexpr double kBurstSeconds = 10;
constexpr size_t kBucketsMax = 4096;

double Since(std::chrono::steady_clock::time_point then,
             std::chrono::steady_clock::time_point now) {
  return std::chrono::duration<double>(now - then).count();
}

}  // namespace

absl::Status ChangeLimit::Take(const std::string& address) {
  if (per_second_ <= 0) return absl::OkStatus();
  const double most = per_second_ * kBurstSeconds;
  const auto now = clock_();
  absl::MutexLock lock(&mutex_);
  if (buckets_.size() >= kBucketsMax) DropFull(now);
  Bucket& bucket =
      buckets_.try_emplace(address, Bucket{most, now}).first->second;
  bucket.tokens = std::min(
      most, bucket.tokens + per_second_ * Since(bucket.filled, now));
  bucket.filled = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return absl::OkStatus();
  }
  return WithRetryAfter(
      Error(Reason::kOverloaded,
            absl::StrCat("this address has asked for more changes than ",
                         per_second_, " a second (changes_per_second)")),
      absl::Seconds(1));
}

void ChangeLimit::DropFull(std::chrono::steady_clock::time_point now) {
  absl::erase_if(buckets_, [&](const auto& known) {
    const auto& [address, bucket] = known;
    return bucket.tokens + per_second_ * Since(bucket.filled, now) >=
           per_second_ * kBurstSeconds;
  });
  // As many addresses as this are no clients of ours.
  if (buckets_.size() >= kBucketsMax) buckets_.clear();
}

}  // namespace sheaf::server
