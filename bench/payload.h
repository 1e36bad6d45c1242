// What the load submits: jobs of 500 bytes on the wire, as a client makes
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

// Never the same twice; without order, as the UUIDs of clients.
std::string NewRequestId();

}  // namespace sheaf::bench
