// Turns the flags of `job submit` into a request. Pure functions: files have
// been read before, pictures are uploaded after.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {

struct SubmitFlags {
  // One run each; a single one becomes a shared value.
  std::vector<std::string> prompts;
  // Shared values in the words of SetRunField: {"seed", "7"}.
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::string> weights;  // TYPE=W
  std::vector<std::string> extra;    // KEY=VALUE
  std::string queue;
  std::string kind;
  std::string priority;
  std::string owner;
  std::vector<std::string> labels;
  std::string run_at;
  std::string start_deadline;
  std::string attempts;
  std::vector<std::string> sweeps;
  bool zip = false;
  std::string count;  // runs of each run, with seeds that count up
  std::string request_id;
  bool dry_run = false;
};

// Puts the flags over `request`, which is the one from --json or an empty one.
// An empty text leaves its field as it is. INVALID_ARGUMENT names the flag.
// With `count`, runs without a seed begin at one that follows from the
// request's id: a submit that is tried again asks for the same.
absl::Status ApplySubmitFlags(const SubmitFlags& flags, absl::Time now,
                              v1::SubmitJobRequest* request);

// API JSON of a SubmitJobRequest or of a JobSpec.
absl::StatusOr<v1::SubmitJobRequest> ParseSubmitJson(const std::string& json);

// A random (version 4) UUID.
std::string NewRequestId();

}  // namespace sheaf::cli
