// The jobs that the load submits: 500 bytes each on the wire, as a client makes
// them - a prompt and the usual settings, a request_id each.
#pragma once

#include <cstddef>
#include <string>

#include "sheaf/v1/job_service.pb.h"

namespace sheaf::bench {

namespace pb = ::sheaf::v1;

// The queue of all measurements; its batches hold 8 runs.
inline constexpr char kQueue[] = "queues/bench";
inline constexpr int kBatchSize = 8;
inline constexpr size_t kJobBytes = 500;

// A job of `runs` runs, each with its own seed, all of it `bytes` long.
pb::SubmitJobRequest MakeSubmit(int runs, size_t bytes = kJobBytes);

// Never returns the same id twice; the ids have no order, as clients' UUIDs.
std::string NewRequestId();

}  // namespace sheaf::bench
