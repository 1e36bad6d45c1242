// The answers after which a call may work when it is made again, as one table
// for clients, workers and the server. Constant data; any thread.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace sheaf {

struct PassingCode {
  absl::StatusCode code;
  std::string_view name;
  // Clients make a call again by themselves, where its method allows that
  // (idempotency_level in proto/): nothing was done, nobody was there, or
  // nobody knows.
  bool clients_retry = false;
  // The server says when to ask again, also where the error does not.
  bool says_when = false;
};

// A worker goes on after each of these while it has something to report, since
// giving up loses work. Others get them only when they had asked for too much,
// took too long, or met a server on its way down.
inline constexpr PassingCode kPassingCodes[] = {
    {absl::StatusCode::kUnavailable, "UNAVAILABLE", true, true},
    {absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", false, true},
    {absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED"},
    {absl::StatusCode::kAborted, "ABORTED"},
    {absl::StatusCode::kCancelled, "CANCELLED"},
    {absl::StatusCode::kInternal, "INTERNAL"},
    {absl::StatusCode::kUnknown, "UNKNOWN"},
};

// The code's row; null where the answer will stay the same.
constexpr const PassingCode* FindPassing(absl::StatusCode code) {
  for (const PassingCode& passing : kPassingCodes) {
    if (passing.code == code) return &passing;
  }
  return nullptr;
}

}  // namespace sheaf
