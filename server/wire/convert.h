// Between the wire and the domain: each type is converted only here, once in
// each direction. Requests arrive validated (server/wire/validator.h), so their
// fields have the right form.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "queue/jobs.h"
#include "queue/leasing/lease_claim.h"
#include "queue/queues.h"
#include "queue/submit.h"
#include "sheaf/v1/artifact_service.pb.h"
#include "sheaf/v1/event.pb.h"
#include "sheaf/v1/job.pb.h"
#include "sheaf/v1/job_service.pb.h"
#include "sheaf/v1/queue_service.pb.h"
#include "sheaf/v1/worker_service.pb.h"

namespace sheaf::server {

struct StepProgress;

namespace pb = ::sheaf::v1;

// Times: infinite ones are absent on the wire.
void SetTime(absl::Time time, google::protobuf::Timestamp* out);
template <class Message>
void PutTime(absl::Time time, Message* message,
             google::protobuf::Timestamp* (Message::*slot)()) {
  if (time != absl::InfiniteFuture() && time != absl::InfinitePast()) {
    SetTime(time, (message->*slot)());
  }
}
void SetDuration(absl::Duration duration, google::protobuf::Duration* out);
absl::Time FromProto(const google::protobuf::Timestamp& time);
absl::Duration FromProto(const google::protobuf::Duration& duration);

// "queues/default" -> "default"; a name without a slash stays.
std::string LastPart(const std::string& name);

// "ab12" -> "artifacts/ab12".
std::string ArtifactName(const std::string& digest);

// The claim that a request makes, once the request has passed its rules. A name
// without a number reads as 0, which nobody holds.
template <class Message>
LeaseClaim ClaimOf(const Message& message) {
  return {.worker = ParseWorkerName(message.worker()).value_or(WorkerId{}),
          .batch = ParseBatchName(message.batch()).value_or(BatchId{}),
          .epoch = message.epoch(),
          .secret = message.secret()};
}

RunParams FromProto(const pb::RunRequest& request);
void ToProto(const RunParams& params, pb::RunRequest* out);

// The number of values of all axes of the sweep, counted before any is made.
// TOO_MANY_RUNS where there are more than a sweep may have.
absl::StatusOr<int64_t> CountValues(const pb::Sweep& sweep);
// A sweep's values become partial requests; INVALID_FIELD for a value that is
// none of its field's.
absl::StatusOr<Sweep> FromProto(const pb::Sweep& sweep);
absl::StatusOr<NewJob> FromProto(const pb::SubmitJobRequest& request);

void ToProto(const Job& job, pb::Job* out);
void ToProto(const Run& run, pb::Run* out);
void ToProto(const Attempt& attempt, pb::Attempt* out);
// The attempts of a run, oldest first: ended ones, and the one its row holds.
void AttemptsToProto(const Run& run, const std::vector<Attempt>& ended,
                     pb::Run* out);
void ToProto(const Event& event, pb::Event* out);
void ToProto(const Queue& queue, pb::Queue* out);
void ToProto(const Artifact& artifact, pb::Artifact* out);
void ToProto(const StepProgress& progress, pb::Progress* out);

QueueSettings FromProto(const pb::QueueSettings& settings);
// Settings written as "policy=adaptive" or "wait_max=5s". INVALID_ARGUMENT
// names the one that is none.
absl::StatusOr<QueueSettings> ParseQueueSettings(
    const std::vector<std::string>& settings);
// INVALID_FIELD for a mask that names no setting, or an unknown one.
absl::StatusOr<QueuePatch> FromProto(const pb::UpdateQueueRequest& request);
absl::StatusOr<JobPatch> FromProto(const pb::UpdateJobRequest& request);

// The job or run of that name, which has passed its field's rule; NOT_FOUND
// where the number is larger than any can be.
absl::StatusOr<JobId> JobNamed(const std::string& name);
absl::StatusOr<RunId> RunNamed(const std::string& name);
// Whether the name of a job or a run is a run's.
bool NamesRun(const std::string& name);

// "7" -> 7; empty is 0, any other text ETAG_MISMATCH.
absl::StatusOr<int64_t> VersionOf(const std::string& etag);

}  // namespace sheaf::server
