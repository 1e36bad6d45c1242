// The run with which a worker begins: the first of all that it can serve.
#pragma once

#include <optional>

#include "queue/leasing/ask.h"

namespace sheaf {

// The answer, or why there is none.
struct FirstHead {
  std::optional<LaneHead> head;
  absl::Time wait_until = absl::InfiniteFuture();  // by the policy
  WorkerId better;                                 // as in LeaseResult
  LeaseNotes notes;
};

// The head whose turn it is: of the highest priority for which the policy lets
// this worker begin at all.
FirstHead FindFirstHead(Ask& ask);

// A head with which the worker may begin, whatever the policy says of it.
std::optional<HeadIndex::Place> AnyHead(Ask& ask);

// When the first run comes due that the worker could take.
absl::Time NextDue(Ask& ask);

}  // namespace sheaf
