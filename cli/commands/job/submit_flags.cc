#include "cli/commands/job/submit_flags.h"

#include <limits>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/sha256.h"
#include "base/status.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/prompts_file.h"
#include "cli/support/run_fields.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace sheaf::cli {
namespace {

absl::Status ApplyRunFields(const SubmitFlags& flags, v1::JobSpec* job) {
  if (flags.prompts.size() == 1) {
    job->mutable_shared()->set_prompt(flags.prompts[0]);
  } else {
    for (const std::string& prompt : flags.prompts) {
      job->add_runs()->set_prompt(prompt);
    }
  }
  for (const auto& [name, value] : flags.fields) {
    if (value.empty()) continue;
    SHEAF_RETURN_IF_ERROR(SetRunField(name, value, job->mutable_shared()));
  }
  for (const std::string& weight : flags.weights) {
    SHEAF_ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(weight));
    SHEAF_RETURN_IF_ERROR(SetRunField("weights." + pair.first, pair.second,
                                      job->mutable_shared()));
  }
  for (const std::string& extra : flags.extra) {
    SHEAF_ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(extra));
    (*job->mutable_shared()->mutable_extra())[pair.first] = pair.second;
  }
  return absl::OkStatus();
}

absl::Status ApplyJobFields(const SubmitFlags& flags, absl::Time now,
                            v1::JobSpec* job) {
  if (!flags.queue.empty()) {
    SHEAF_ASSIGN_OR_RETURN(*job->mutable_queue(), QueueName(flags.queue));
  }
  if (!flags.kind.empty()) job->set_kind(flags.kind);
  if (!flags.owner.empty()) job->set_owner(flags.owner);
  if (!flags.priority.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto priority, ParsePriority(flags.priority));
    job->set_priority(priority);
  }
  for (const std::string& label : flags.labels) {
    SHEAF_ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(label));
    (*job->mutable_labels())[pair.first] = pair.second;
  }
  if (!flags.run_at.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto time, ParseTime(flags.run_at, now));
    *job->mutable_run_time() = ToProto(time);
  }
  if (!flags.start_deadline.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto time,
                           ParseTime(flags.start_deadline, now));
    *job->mutable_start_deadline() = ToProto(time);
  }
  if (!flags.attempts.empty()) {
    int32_t attempts = 0;
    if (!absl::SimpleAtoi(flags.attempts, &attempts)) {
      return UsageError(absl::StrCat("--attempts must be a whole number, not '",
                                     flags.attempts, "'"));
    }
    job->set_attempts_max(attempts);
  }
  return absl::OkStatus();
}

absl::Status ApplySweeps(const SubmitFlags& flags, v1::JobSpec* job) {
  if (flags.sweeps.empty()) {
    return flags.zip ? UsageError("--zip needs --sweep") : absl::OkStatus();
  }
  for (const std::string& sweep : flags.sweeps) {
    SHEAF_ASSIGN_OR_RETURN(v1::SweepAxis axis, ParseSweepAxis(sweep));
    SHEAF_RETURN_IF_ERROR(CheckRunFieldName(axis.field()));
    *job->mutable_sweep()->add_axes() = std::move(axis);
  }
  job->mutable_sweep()->set_mode(flags.zip ? v1::Sweep::MODE_ZIP
                                           : v1::Sweep::MODE_PRODUCT);
  return absl::OkStatus();
}

// A seed for those that gave none: as random as the id.
int64_t SeedOf(const std::string& request_id) {
  uint32_t seed = 0;
  (void)absl::SimpleHexAtoi(Sha256Hex(request_id).substr(0, 8), &seed);
  return seed;
}

// Makes each run `count` runs, with seeds that count up.
absl::Status RepeatRuns(const std::string& count_text,
                        v1::SubmitJobRequest* request) {
  int64_t count = 0;
  if (!absl::SimpleAtoi(count_text, &count) || count < 1 ||
      count > static_cast<int64_t>(kPromptsRunsMax)) {
    return UsageError(absl::StrCat("--count must be a number from 1 to ",
                                   kPromptsRunsMax, ", not '", count_text,
                                   "'"));
  }
  v1::JobSpec* job = request->mutable_job();
  for (const v1::SweepAxis& axis : job->sweep().axes()) {
    if (axis.field() == "seed") {
      return UsageError("--count and --sweep seed exclude each other");
    }
  }
  if (job->runs().empty()) job->add_runs();
  if (job->runs_size() * count > static_cast<int64_t>(kPromptsRunsMax)) {
    return UsageError(absl::StrCat("--count ", count, " makes more than ",
                                   kPromptsRunsMax, " runs"));
  }
  const int64_t usual = job->shared().has_seed()
                            ? job->shared().seed()
                            : SeedOf(request->request_id());
  google::protobuf::RepeatedPtrField<v1::RunRequest> runs;
  runs.Swap(job->mutable_runs());
  for (const v1::RunRequest& run : runs) {
    const int64_t first = run.has_seed() ? run.seed() : usual;
    if (first > std::numeric_limits<int64_t>::max() - count) {
      return UsageError(
          absl::StrCat("the seed ", first, " is too large to count up from"));
    }
    for (int64_t i = 0; i < count; ++i) {
      *job->add_runs() = run;
      job->mutable_runs()->rbegin()->set_seed(first + i);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplySubmitFlags(const SubmitFlags& flags, absl::Time now,
                              v1::SubmitJobRequest* request) {
  v1::JobSpec* job = request->mutable_job();
  SHEAF_RETURN_IF_ERROR(ApplyRunFields(flags, job));
  SHEAF_RETURN_IF_ERROR(ApplyJobFields(flags, now, job));
  SHEAF_RETURN_IF_ERROR(ApplySweeps(flags, job));
  if (!flags.request_id.empty()) request->set_request_id(flags.request_id);
  if (flags.dry_run) request->set_validate_only(true);
  return flags.count.empty() ? absl::OkStatus()
                             : RepeatRuns(flags.count, request);
}

absl::StatusOr<v1::SubmitJobRequest> ParseSubmitJson(const std::string& json) {
  const auto parse = [&](google::protobuf::Message* message) -> absl::Status {
    const auto status =
        google::protobuf::util::JsonStringToMessage(json, message);
    if (status.ok()) return absl::OkStatus();
    return UsageError(status.message().ToString());
  };
  google::protobuf::Struct object;
  SHEAF_RETURN_IF_ERROR(parse(&object));
  v1::SubmitJobRequest request;
  // Only a request has the field `job`; a spec has the job's own fields.
  if (object.fields().contains("job")) {
    SHEAF_RETURN_IF_ERROR(parse(&request));
  } else {
    SHEAF_RETURN_IF_ERROR(parse(request.mutable_job()));
  }
  return request;
}

std::string NewRequestId() {
  std::random_device random;
  const auto word = [&] { return static_cast<uint32_t>(random()); };
  const uint32_t tail = word();
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%08x%04x", word(),
                         word() & 0xffff, word() & 0xfff,
                         0x8000 | (word() & 0x3fff), tail, word() & 0xffff);
}

}  // namespace sheaf::cli
