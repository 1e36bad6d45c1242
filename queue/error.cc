#include "queue/error.h"

#include <array>
#include <charconv>
#include <utility>

#include "absl/strings/cord.h"
#include "base/status.h"

namespace sheaf {
namespace {

using absl::StatusCode;

constexpr ReasonInfo kReasons[] = {
    {Reason::kInvalidField, "INVALID_FIELD", StatusCode::kInvalidArgument,
     "Some fields of the request break their rules; correct every field that "
     "the violations name."},
    {Reason::kBadFilter, "BAD_FILTER", StatusCode::kInvalidArgument,
     "The filter cannot be read; correct it at the column that the message "
     "names (filters.md has the grammar)."},
    {Reason::kBadPageToken, "BAD_PAGE_TOKEN", StatusCode::kInvalidArgument,
     "The page token is damaged or belongs to another request; ask for the "
     "first page again."},
    {Reason::kTooManyRuns, "TOO_MANY_RUNS", StatusCode::kInvalidArgument,
     "The job, or all jobs of the request together, would have more runs than "
     "one job may have; split it."},
    {Reason::kTooManyLanes, "TOO_MANY_LANES", StatusCode::kInvalidArgument,
     "The runs of the job name more different models, VAEs and sizes than one "
     "job may have; split the job."},
    {Reason::kJobTooLarge, "JOB_TOO_LARGE", StatusCode::kInvalidArgument,
     "The values of the job, or of all jobs of the request together, take more "
     "bytes than one job may (job_bytes_max), sweeps counted in full; move "
     "values that its runs have in common into the shared values, or split "
     "it."},
    {Reason::kSweepMismatch, "SWEEP_MISMATCH", StatusCode::kInvalidArgument,
     "The axes of the sweep do not fit together; give all axes of a zip the "
     "same length, and each axis either values or a range."},
    {Reason::kRequestIdReused, "REQUEST_ID_REUSED",
     StatusCode::kInvalidArgument,
     "The request_id was used before with another payload; use a new one, or "
     "send the first payload unchanged."},
    {Reason::kRequestIdSpent, "REQUEST_ID_SPENT",
     StatusCode::kFailedPrecondition,
     "The job that this request_id made was deleted, so the server can neither "
     "return it nor make another; use a new request_id if you want the work "
     "done again."},
    {Reason::kArtifactTooLarge, "ARTIFACT_TOO_LARGE",
     StatusCode::kInvalidArgument,
     "The artifact has more bytes or pixels than the server takes; send a "
     "smaller one."},
    {Reason::kArtifactTypeRefused, "ARTIFACT_TYPE_REFUSED",
     StatusCode::kInvalidArgument,
     "The bytes have a type that the server does not take, or not the claimed "
     "type; send a PNG, JPEG or WebP picture."},
    {Reason::kArtifactMismatch, "ARTIFACT_MISMATCH",
     StatusCode::kInvalidArgument,
     "The SHA-256 of the bytes is not the expected one; upload them again, "
     "they may have been damaged on the way."},
    {Reason::kMalformedMessage, "MALFORMED_MESSAGE",
     StatusCode::kInvalidArgument,
     "The bytes of the request are not a message of its method; compare it "
     "with the contract in proto/."},
    {Reason::kMethodNotFound, "METHOD_NOT_FOUND", StatusCode::kUnimplemented,
     "The server has no such method; compare its name with the contract in "
     "proto/, or update the server, or the client."},
    {Reason::kWorkerOutdated, "WORKER_OUTDATED", StatusCode::kInvalidArgument,
     "This version of the worker does not show the secrets of its leases; "
     "update the worker to 0.2.0 or later."},

    {Reason::kJobNotFound, "JOB_NOT_FOUND", StatusCode::kNotFound,
     "No job has this name: it never existed, was deleted, or its retention "
     "is over."},
    {Reason::kRunNotFound, "RUN_NOT_FOUND", StatusCode::kNotFound,
     "No run has this name; the runs of a job are numbered from 0."},
    {Reason::kQueueNotFound, "QUEUE_NOT_FOUND", StatusCode::kNotFound,
     "No queue has this name; create it, or list the existing queues."},
    {Reason::kWorkerNotFound, "WORKER_NOT_FOUND", StatusCode::kNotFound,
     "No worker is registered under this name, or the call shows neither the "
     "secret of the registration nor its connection; a worker that gets this "
     "error registers again."},
    {Reason::kArtifactNotFound, "ARTIFACT_NOT_FOUND", StatusCode::kNotFound,
     "No artifact has this name; upload it first, or again if no job "
     "referred to it for artifact_keep (a day)."},
    {Reason::kPlanNotFound, "PLAN_NOT_FOUND", StatusCode::kNotFound,
     "No plan has this name, or it was not executed in time; analyze again."},
    {Reason::kCheckpointNotFound, "CHECKPOINT_NOT_FOUND", StatusCode::kNotFound,
     "The server keeps no checkpoint of this run; start it from the "
     "beginning."},
    {Reason::kPreviewNotFound, "PREVIEW_NOT_FOUND", StatusCode::kNotFound,
     "The run is not running, or its worker has sent no preview yet, or sends "
     "none (see preview_steps; some engines cannot); ask again while it runs."},
    {Reason::kQueueExists, "QUEUE_EXISTS", StatusCode::kAlreadyExists,
     "A queue of this name exists; use it, or choose another name."},
    {Reason::kBackupExists, "BACKUP_EXISTS", StatusCode::kAlreadyExists,
     "A backup of this name exists and is never overwritten; choose another "
     "name."},

    {Reason::kTooManyQueues, "TOO_MANY_QUEUES", StatusCode::kFailedPrecondition,
     "There are as many queues as the server holds; delete one that is not "
     "needed any more."},
    {Reason::kQueueNotEmpty, "QUEUE_NOT_EMPTY", StatusCode::kFailedPrecondition,
     "The queue holds unfinished runs; drain or purge it first."},
    {Reason::kQueueDraining, "QUEUE_DRAINING", StatusCode::kFailedPrecondition,
     "The queue finishes its jobs and takes no new ones; resume it, or submit "
     "to another queue."},
    {Reason::kQueueNotPaused, "QUEUE_NOT_PAUSED",
     StatusCode::kFailedPrecondition,
     "To resume, the queue must be paused or draining; to analyze it without "
     "live, it must be paused."},
    {Reason::kQueueIsDefault, "QUEUE_IS_DEFAULT",
     StatusCode::kFailedPrecondition,
     "The default queue takes jobs that name no queue, so it cannot be "
     "deleted; pause or drain it instead."},
    {Reason::kJobNotFinished, "JOB_NOT_FINISHED",
     StatusCode::kFailedPrecondition,
     "The job has not ended; cancel it, or wait for it."},
    {Reason::kJobNotWaiting, "JOB_NOT_WAITING", StatusCode::kFailedPrecondition,
     "The job has no waiting runs, and only waiting runs can still be "
     "changed."},
    {Reason::kJobAlreadyFinished, "JOB_ALREADY_FINISHED",
     StatusCode::kFailedPrecondition,
     "The job or run has ended, or none of its runs waits any more; its state "
     "is final unless it is retried."},
    {Reason::kNothingToRetry, "NOTHING_TO_RETRY",
     StatusCode::kFailedPrecondition,
     "None of the named runs has failed or was cancelled, so there is nothing "
     "to retry."},
    {Reason::kNoAnalysis, "NO_ANALYSIS", StatusCode::kFailedPrecondition,
     "The queue has not been analyzed since its last plan was executed; "
     "analyze it, look at the preview, then execute."},
    {Reason::kPlanStarted, "PLAN_STARTED", StatusCode::kFailedPrecondition,
     "A batch of the plan has been handed out, so it can no longer be "
     "undone."},
    {Reason::kPlanNotActive, "PLAN_NOT_ACTIVE", StatusCode::kFailedPrecondition,
     "The queue does not follow this plan, so there is nothing to undo."},
    {Reason::kLeaseLost, "LEASE_LOST", StatusCode::kFailedPrecondition,
     "The lease ended, or the report does not show its secret, so its runs do "
     "not belong to this worker; drop the results and lease again."},
    {Reason::kSchemaNewer, "SCHEMA_NEWER", StatusCode::kFailedPrecondition,
     "The database was written by a newer Sheaf; start that version or a "
     "later one."},
    {Reason::kSchemaAltered, "SCHEMA_ALTERED", StatusCode::kFailedPrecondition,
     "A migration recorded in the database differs from the one in this "
     "program; restore a backup, or start the program that made the database."},
    {Reason::kDatabaseLocked, "DATABASE_LOCKED",
     StatusCode::kFailedPrecondition,
     "Another process has the data directory open; stop it first, because two "
     "writers would destroy the database."},

    {Reason::kEtagMismatch, "ETAG_MISMATCH", StatusCode::kAborted,
     "The resource was changed since you read it; read it again, decide again, "
     "and send the new etag."},
    {Reason::kAnalysisStale, "ANALYSIS_STALE", StatusCode::kAborted,
     "The waiting runs of the queue have changed since the analysis; analyze "
     "again."},

    {Reason::kQueueFull, "QUEUE_FULL", StatusCode::kResourceExhausted,
     "The queue holds the most unfinished runs that it may; wait until some "
     "have ended, or raise runs_max."},
    {Reason::kOwnerQuota, "OWNER_QUOTA", StatusCode::kResourceExhausted,
     "The owner has the most waiting runs that one owner may have, or they "
     "name more different models, VAEs and sizes than one owner may (1,024); "
     "wait until some have started, or ask the operator to raise "
     "owner_queued_max."},
    {Reason::kOverloaded, "OVERLOADED", StatusCode::kResourceExhausted,
     "The server has more to do than it takes on at once, or this call takes "
     "longer than one call may; ask again after the delay in the answer, or "
     "ask for less."},
    {Reason::kBackupsFull, "BACKUPS_FULL", StatusCode::kResourceExhausted,
     "The backup directory holds the most backups that it may; move some away "
     "or delete them, or raise backups_max."},
    {Reason::kArtifactsFull, "ARTIFACTS_FULL", StatusCode::kResourceExhausted,
     "Artifacts take all the room that they may, and each of them is needed or "
     "new; delete ended jobs, or ask the operator to raise "
     "artifact_total_bytes or enlarge the disk."},

    {Reason::kStoreUnavailable, "STORE_UNAVAILABLE", StatusCode::kUnavailable,
     "The store cannot be written or read now, and the call changed nothing; "
     "ask again, and look at the server's health."},
    {Reason::kDiskFull, "DISK_FULL", StatusCode::kUnavailable,
     "The server's disk is full, and the call changed nothing; free some "
     "space, then ask again."},
    {Reason::kOutcomeUnknown, "OUTCOME_UNKNOWN", StatusCode::kUnavailable,
     "The disk failed while the call was being stored, and the server does not "
     "know yet whether it took effect; ask again with the same request_id, or "
     "read before you ask again."},
    {Reason::kServerStopping, "SERVER_STOPPING", StatusCode::kUnavailable,
     "The server is stopping; ask again when it is back."},
    {Reason::kDeadlinePassed, "DEADLINE_PASSED", StatusCode::kDeadlineExceeded,
     "The call's deadline passed before the server began it, and it changed "
     "nothing; allow more time."},
    {Reason::kStreamIdle, "STREAM_IDLE", StatusCode::kDeadlineExceeded,
     "The server waited too long for the next message of the stream and "
     "changed nothing; begin the stream again, with shorter pauses between "
     "messages."},
    {Reason::kCallCancelled, "CALL_CANCELLED", StatusCode::kCancelled,
     "The caller cancelled the call; nobody knows whether it took effect, so "
     "read before you ask again."},

    {Reason::kStoreCorrupt, "STORE_CORRUPT", StatusCode::kDataLoss,
     "The database, or a row in it, is damaged; run `sheaf admin check`, then "
     "mend rows with `sheafd repair`, or restore a backup."},
    {Reason::kArtifactCorrupt, "ARTIFACT_CORRUPT", StatusCode::kDataLoss,
     "The stored bytes no longer match their name, so do not use the received "
     "ones; upload them again and check the disk (the server's log names the "
     "artifact)."},
    {Reason::kBackupFailed, "BACKUP_FAILED", StatusCode::kInternal,
     "The backup could not be made or did not pass its check, and was "
     "discarded; the message and the server's log have the cause."},
    {Reason::kInternal, "INTERNAL", StatusCode::kInternal,
     "Sheaf has a fault; please report it, with the message and the call's "
     "lines in the server's log."},
};

constexpr bool IsInOrder() {
  for (int i = 0; i < kReasonCount; ++i) {
    if (static_cast<int>(kReasons[i].reason) != i) return false;
  }
  return true;
}
static_assert(std::size(kReasons) == kReasonCount && IsInOrder(),
              "the table has one row per reason, in the order of the enum");

constexpr absl::string_view kReasonUrl = "sheaf/reason";
constexpr absl::string_view kMetadataUrl = "sheaf/metadata";
constexpr absl::string_view kViolationsUrl = "sheaf/violations";
constexpr absl::string_view kSubjectUrl = "sheaf/subject";
constexpr absl::string_view kRetryUrl = "sheaf/retry-after-nanoseconds";

std::optional<std::string> Payload(const absl::Status& status,
                                   absl::string_view url) {
  const absl::optional<absl::Cord> cord = status.GetPayload(url);
  if (!cord) return std::nullopt;
  return std::string(*cord);
}

// A list of texts as one: each as its length, a colon and itself.
void AppendText(std::string& packed, std::string_view text) {
  packed += std::to_string(text.size());
  packed += ':';
  packed += text;
}

std::vector<std::string> Unpack(std::string_view packed) {
  std::vector<std::string> texts;
  while (!packed.empty()) {
    size_t size = 0;
    const char* end = packed.data() + packed.size();
    const auto [colon, error] = std::from_chars(packed.data(), end, size);
    const bool whole = error == std::errc() && colon != end &&
                       size <= static_cast<size_t>(end - colon) - 1;
    if (!whole) break;
    texts.emplace_back(colon + 1, size);
    packed.remove_prefix(colon + 1 + size - packed.data());
  }
  return texts;
}

absl::Status WithPair(absl::Status status, absl::string_view url,
                      std::string_view first, std::string_view second) {
  if (status.ok()) return status;
  std::string packed = Payload(status, url).value_or("");
  AppendText(packed, first);
  AppendText(packed, second);
  status.SetPayload(url, absl::Cord(std::move(packed)));
  return status;
}

}  // namespace

std::span<const ReasonInfo> Reasons() { return kReasons; }

const ReasonInfo& InfoOf(Reason reason) {
  return kReasons[static_cast<int>(reason)];
}

std::optional<Reason> ReasonNamed(std::string_view name) {
  for (const ReasonInfo& info : kReasons) {
    if (info.name == name) return info.reason;
  }
  return std::nullopt;
}

absl::Status Error(Reason reason, std::string_view message) {
  const ReasonInfo& info = InfoOf(reason);
  absl::Status status(info.code, ToAbsl(message));
  status.SetPayload(kReasonUrl, absl::Cord(ToAbsl(info.name)));
  return status;
}

absl::Status InvalidArgument(Violations violations) {
  std::string message;
  if (!violations.empty()) {
    message = violations[0].field + ": " + violations[0].description;
  }
  if (violations.size() > 1) {
    message += " (and " + std::to_string(violations.size() - 1) + " more)";
  }
  std::string packed;
  for (const Violation& violation : violations) {
    AppendText(packed, violation.field);
    AppendText(packed, violation.description);
  }
  absl::Status status = Error(Reason::kInvalidField, message);
  status.SetPayload(kViolationsUrl, absl::Cord(std::move(packed)));
  return status;
}

absl::Status WithMetadata(absl::Status status, std::string_view key,
                          std::string_view value) {
  return WithPair(std::move(status), kMetadataUrl, key, value);
}

absl::Status WithViolation(absl::Status status, std::string_view field,
                           std::string_view description) {
  return WithPair(std::move(status), kViolationsUrl, field, description);
}

absl::Status WithSubject(absl::Status status, std::string_view subject) {
  status.SetPayload(kSubjectUrl, absl::Cord(ToAbsl(subject)));
  return status;
}

absl::Status WithRetryAfter(absl::Status status, absl::Duration delay) {
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(delay);
  status.SetPayload(kRetryUrl, absl::Cord(std::to_string(nanoseconds)));
  return status;
}

std::optional<Reason> ReasonOf(const absl::Status& status) {
  const std::optional<std::string> name = Payload(status, kReasonUrl);
  return name ? ReasonNamed(*name) : std::nullopt;
}

std::map<std::string, std::string> MetadataOf(const absl::Status& status) {
  std::map<std::string, std::string> metadata;
  const auto texts = Unpack(Payload(status, kMetadataUrl).value_or(""));
  for (size_t i = 0; i + 1 < texts.size(); i += 2) {
    metadata[texts[i]] = texts[i + 1];
  }
  return metadata;
}

Violations ViolationsOf(const absl::Status& status) {
  Violations violations;
  const auto texts = Unpack(Payload(status, kViolationsUrl).value_or(""));
  for (size_t i = 0; i + 1 < texts.size(); i += 2) {
    violations.push_back({texts[i], texts[i + 1]});
  }
  return violations;
}

std::string SubjectOf(const absl::Status& status) {
  return Payload(status, kSubjectUrl).value_or("");
}

std::optional<absl::Duration> RetryAfterOf(const absl::Status& status) {
  const std::optional<std::string> text = Payload(status, kRetryUrl);
  if (!text) return std::nullopt;
  int64_t nanoseconds = 0;
  std::from_chars(text->data(), text->data() + text->size(), nanoseconds);
  return absl::Nanoseconds(nanoseconds);
}

std::string RenderErrorTable() {
  std::string text =
      "# Errors\n\n"
      "Every call that fails answers with a canonical code, a message, and "
      "exactly one\n"
      "`google.rpc.ErrorInfo` in its details. In it `domain` is `sheaf`, "
      "`reason` is one\n"
      "of the table below, and `metadata` holds the particulars. Let "
      "programs decide by\n"
      "the reason, and show people the message. Where they apply, there are "
      "also a\n"
      "`BadRequest` (the bad fields, as many as fit), a "
      "`PreconditionFailure`, a\n"
      "`QuotaFailure`, and a `RetryInfo`, which says when to ask again. "
      "`StreamJobs` gives\n"
      "code and reason in each answer. Two kinds of errors have no reason: "
      "messages\n"
      "of more than `max_message_bytes`, which gRPC itself refuses, and "
      "downloads that are\n"
      "broken off (CANCELLED).\n\n"
      "| reason | code | what it means and what to do |\n|---|---|---|\n";
  for (const ReasonInfo& info : kReasons) {
    text += "| `" + std::string(info.name) + "` | `" +
            absl::StatusCodeToString(info.code) + "` | " +
            std::string(info.advice) + " |\n";
  }
  return text;
}

}  // namespace sheaf
