#include "server/admission/byte_budget.h"

#include "queue/error.h"

namespace sheaf::server {

void ByteBudget::Hold::Resize(int64_t bytes) {
  if (share_ != nullptr) share_->held += bytes - bytes_;
  bytes_ = bytes;
}

absl::StatusOr<ByteBudget::Hold> ByteBudget::Take(int64_t bytes) {
  Share& share = shares_[bytes > kSmall ? 1 : 0];
  const int64_t before = share.held.fetch_add(bytes);
  Hold hold;
  hold.share_ = &share;
  hold.bytes_ = bytes;
  if (before == 0 || before + bytes <= share.bytes_max) return hold;
  return WithRetryAfter(
      Error(Reason::kOverloaded, "too much is on its way to the store already"),
      absl::Seconds(1));
}

}  // namespace sheaf::server
