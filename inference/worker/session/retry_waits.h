// The waits between tries of calls about a lease.
#pragma once

#include "absl/time/time.h"

namespace sheaf::worker {

inline constexpr absl::Duration kRetryFirst = absl::Milliseconds(100);
inline constexpr absl::Duration kRetryLongest = absl::Seconds(2);

}  // namespace sheaf::worker
