#include "base/log/line_limit.h"

#include <utility>

namespace sheaf {

std::optional<int64_t> LineLimit::Take(const std::string& kind,
                                       absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const bool known = kinds_.size() < kinds_max_ || kinds_.contains(kind);
  Kind& its = kinds_[known ? kind : ""];
  // A clock that was set back must not silence the log.
  const bool may = now >= its.next || now < its.next - interval_;
  if (!may) {
    ++its.left_out;
    return std::nullopt;
  }
  its.next = now + interval_;
  return std::exchange(its.left_out, 0);
}

}  // namespace sheaf
