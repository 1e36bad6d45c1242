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
     "Fields of the request break their rules; correct every field that the "
     "violations name."},
    {Reason::kBadFilter, "BAD_FILTER", StatusCode::kInvalidArgument,
     "The filter does not read; correct it at the column that the message "
     "names (filters.md has the grammar)."},
    {Reason::kBadPageToken, "BAD_PAGE_TOKEN", StatusCode::kInvalidArgument,
     "The page token is damaged or belongs to another question; ask for the "
     "first page again."},
    {Reason::kTooManyRuns, "TOO_MANY_RUNS", StatusCode::kInvalidArgument,
     "The job, or the jobs of one request, would have more runs than one job "
     "may have; split it."},
    {Reason::kTooManyLanes, "TOO_MANY_LANES", StatusCode::kInvalidArgument,
     "The runs of the job name more different models, VAEs and sizes than one "
     "job may; split it."},
    {Reason::kJobTooLarge, "JOB_TOO_LARGE", StatusCode::kInvalidArgument,
     "The values of the job, or of the jobs of one request, take more bytes "
     "than one job may (job_bytes_max), sweeps counted in full; put what its "
     "runs have in common into the shared values, or split it."},
    {Reason::kSweepMismatch, "SWEEP_MISMATCH", StatusCode::kInvalidArgument,
     "The axes of the sweep do not fit together; give all axes of a zip the "
     "same length, and each axis either values or a range."},
    {Reason::kRequestIdReused, "REQUEST_ID_REUSED",
     StatusCode::kInvalidArgument,
     "The request_id was used before with another payload; use a new one, or "
     "send the first payload unchanged."},
    {Reason::kRequestIdSpent, "REQUEST_ID_SPENT",
     StatusCode::kFailedPrecondition,
     "The request_id made a job that is deleted since, so it can neither be "
     "answered nor make another; use a new one if the work is wanted again."},
    {Reason::kArtifactTooLarge, "ARTIFACT_TOO_LARGE",
     StatusCode::kInvalidArgument,
     "The artifact has more bytes or pixels than the server takes; send a "
     "smaller one."},
    {Reason::kArtifactTypeRefused, "ARTIFACT_TYPE_REFUSED",
     StatusCode::kInvalidArgument,
     "The bytes are of a type that the server does not take, or not of the "
     "type that was claimed; send a PNG, JPEG or WebP picture."},
    {Reason::kArtifactMismatch, "ARTIFACT_MISMATCH",
     StatusCode::kInvalidArgument,
     "The bytes do not have the name that was expected; upload them again, "
     "they may have been damaged on the way."},
    {Reason::kMalformedMessage, "MALFORMED_MESSAGE",
     StatusCode::kInvalidArgument,
     "The request is not a message of its method; compare it with the "
     "contract in proto/."},
    {Reason::kWorkerOutdated, "WORKER_OUTDATED", StatusCode::kInvalidArgument,
     "The worker is of a version that does not show the secrets of its leases; "
     "update it to 0.2.0 or later."},

    {Reason::kJobNotFound, "JOB_NOT_FOUND", StatusCode::kNotFound,
     "No job has this name: it never existed, was deleted, or its retention "
     "is over."},
    {Reason::kRunNotFound, "RUN_NOT_FOUND", StatusCode::kNotFound,
     "No run has this name; runs of a job count from 0."},
    {Reason::kQueueNotFound, "QUEUE_NOT_FOUND", StatusCode::kNotFound,
     "No queue has this name; create it, or list the queues there are."},
    {Reason::kWorkerNotFound, "WORKER_NOT_FOUND", StatusCode::kNotFound,
     "No worker is registered under this name, or the call shows neither its "
     "registration's secret nor its connection; a worker that sees this "
     "registers anew."},
    {Reason::kArtifactNotFound, "ARTIFACT_NOT_FOUND", StatusCode::kNotFound,
     "No artifact has this name; upload it first, or again if nothing "
     "referred to it for artifact_keep (a day)."},
    {Reason::kPlanNotFound, "PLAN_NOT_FOUND", StatusCode::kNotFound,
     "There is no such plan, or it was not executed in time; analyze again."},
    {Reason::kCheckpointNotFound, "CHECKPOINT_NOT_FOUND", StatusCode::kNotFound,
     "Nothing is kept of how far this run has come; begin it anew."},
    {Reason::kPreviewNotFound, "PREVIEW_NOT_FOUND", StatusCode::kNotFound,
     "The run does not run now, or its worker has shown nothing of it yet, or "
     "shows nothing (preview_steps, and engines that cannot); ask again while "
     "it runs."},
    {Reason::kQueueExists, "QUEUE_EXISTS", StatusCode::kAlreadyExists,
     "A queue of this name exists; use it, or choose another name."},
    {Reason::kBackupExists, "BACKUP_EXISTS", StatusCode::kAlreadyExists,
     "A backup of this name exists and is never overwritten; choose another "
     "name."},

    {Reason::kQueueNotEmpty, "QUEUE_NOT_EMPTY", StatusCode::kFailedPrecondition,
     "The queue holds unfinished runs; drain or purge it first."},
    {Reason::kQueueDraining, "QUEUE_DRAINING", StatusCode::kFailedPrecondition,
     "The queue finishes what it has and takes no new jobs; resume it, or "
     "submit elsewhere."},
    {Reason::kQueueNotPaused, "QUEUE_NOT_PAUSED",
     StatusCode::kFailedPrecondition,
     "The queue is neither paused nor draining, so there is nothing to "
     "resume; or it is not paused, and only live can it be analyzed so."},
    {Reason::kQueueIsDefault, "QUEUE_IS_DEFAULT",
     StatusCode::kFailedPrecondition,
     "The default queue is where jobs without a queue go and cannot be "
     "deleted; pause or drain it instead."},
    {Reason::kJobNotFinished, "JOB_NOT_FINISHED",
     StatusCode::kFailedPrecondition,
     "The job has not ended; cancel it, or wait for it."},
    {Reason::kJobNotWaiting, "JOB_NOT_WAITING", StatusCode::kFailedPrecondition,
     "The job has no waiting runs, and only those can still be changed."},
    {Reason::kJobAlreadyFinished, "JOB_ALREADY_FINISHED",
     StatusCode::kFailedPrecondition,
     "The job or run has ended, or nothing of it waits any more; its state is "
     "final unless it is retried."},
    {Reason::kNothingToRetry, "NOTHING_TO_RETRY",
     StatusCode::kFailedPrecondition,
     "No run named here has failed or was cancelled, so there is nothing to "
     "retry."},
    {Reason::kNoAnalysis, "NO_ANALYSIS", StatusCode::kFailedPrecondition,
     "The queue has not been analyzed since its last plan was executed; "
     "analyze it, look at the preview, then execute."},
    {Reason::kPlanStarted, "PLAN_STARTED", StatusCode::kFailedPrecondition,
     "A batch of the plan has been handed out, so it can no longer be "
     "undone."},
    {Reason::kPlanNotActive, "PLAN_NOT_ACTIVE", StatusCode::kFailedPrecondition,
     "The plan is not the one by which its queue goes, so there is nothing to "
     "undo."},
    {Reason::kLeaseLost, "LEASE_LOST", StatusCode::kFailedPrecondition,
     "The lease ended, or the report does not show its secret: its runs are "
     "not, or no longer, this worker's; drop the results and lease again."},
    {Reason::kSchemaNewer, "SCHEMA_NEWER", StatusCode::kFailedPrecondition,
     "The database was written by a newer Sheaf; start that version or a "
     "later one."},
    {Reason::kSchemaAltered, "SCHEMA_ALTERED", StatusCode::kFailedPrecondition,
     "A migration recorded in the database is not the one this program "
     "carries; restore a backup, or start the program that made it."},
    {Reason::kDatabaseLocked, "DATABASE_LOCKED",
     StatusCode::kFailedPrecondition,
     "Another process has the data directory open; stop it first, as two "
     "writers would destroy the database."},

    {Reason::kEtagMismatch, "ETAG_MISMATCH", StatusCode::kAborted,
     "It was changed since it was read; read it again, decide again, and "
     "send the new etag."},
    {Reason::kAnalysisStale, "ANALYSIS_STALE", StatusCode::kAborted,
     "What waits in the queue is no longer what was analyzed; analyze again."},

    {Reason::kQueueFull, "QUEUE_FULL", StatusCode::kResourceExhausted,
     "The queue holds as many unfinished runs as it may; wait until some "
     "have ended, or raise runs_max."},
    {Reason::kOwnerQuota, "OWNER_QUOTA", StatusCode::kResourceExhausted,
     "The owner has as many runs waiting as one owner may, or they ask for "
     "more different models, VAEs and sizes (1,024); wait until some have "
     "started, or have owner_queued_max raised."},
    {Reason::kOverloaded, "OVERLOADED", StatusCode::kResourceExhausted,
     "The server has more to do than it takes on at once, or this call takes "
     "longer than one may; ask again after the delay it names, or for less."},
    {Reason::kBackupsFull, "BACKUPS_FULL", StatusCode::kResourceExhausted,
     "The backup directory holds as many backups as it may; move some away or "
     "delete them, or raise backups_max."},
    {Reason::kArtifactsFull, "ARTIFACTS_FULL", StatusCode::kResourceExhausted,
     "Artifacts take as much of the disk as they may, and all of them are "
     "needed or new; delete ended jobs, or have artifact_total_bytes raised "
     "or the disk enlarged."},

    {Reason::kStoreUnavailable, "STORE_UNAVAILABLE", StatusCode::kUnavailable,
     "The store cannot be written or read now and the call changed nothing; "
     "ask again, and look at the server's health."},
    {Reason::kDiskFull, "DISK_FULL", StatusCode::kUnavailable,
     "The server's disk is full and the call changed nothing; free some "
     "space, then ask again."},
    {Reason::kOutcomeUnknown, "OUTCOME_UNKNOWN", StatusCode::kUnavailable,
     "The disk failed while the call was being stored, and whether it took "
     "effect is not known yet; ask again with the same request_id, or read "
     "before asking again."},
    {Reason::kServerStopping, "SERVER_STOPPING", StatusCode::kUnavailable,
     "The server is stopping; ask again when it is back."},
    {Reason::kDeadlinePassed, "DEADLINE_PASSED", StatusCode::kDeadlineExceeded,
     "The call's deadline passed before it was begun and it changed nothing; "
     "allow more time."},
    {Reason::kStreamIdle, "STREAM_IDLE", StatusCode::kDeadlineExceeded,
     "The server waited too long for the next message of the stream and "
     "changed nothing; begin it again, and pause for less between messages."},
    {Reason::kCallCancelled, "CALL_CANCELLED", StatusCode::kCancelled,
     "The caller gave the call up; whether it took effect is not known, so "
     "read before asking again."},

    {Reason::kStoreCorrupt, "STORE_CORRUPT", StatusCode::kDataLoss,
     "The database, or a row in it, is damaged; see what `sheaf admin check` "
     "says, and mend rows by `sheafd repair`, or restore a backup."},
    {Reason::kArtifactCorrupt, "ARTIFACT_CORRUPT", StatusCode::kDataLoss,
     "The stored bytes no longer match their name: what was received of them "
     "is not to be used; upload them again and check the disk (the server's "
     "log names the artifact)."},
    {Reason::kBackupFailed, "BACKUP_FAILED", StatusCode::kInternal,
     "The backup could not be made or did not pass its check, and was "
     "discarded; the message and the server's log have the cause."},
    {Reason::kInternal, "INTERNAL", StatusCode::kInternal,
     "Something went wrong that should not; please report it, with the "
     "message and what the server's log says of the call."},
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
      "exactly one\n`google.rpc.ErrorInfo` in its details: `domain` is "
      "`sheaf`, `reason` is one of those\nbelow, and `metadata` holds the "
      "particulars. Decide by the reason, show the\nmessage. Where they fit "
      "there is also a `BadRequest` (the bad fields, as many as\nfit), a "
      "`PreconditionFailure`, a `QuotaFailure`, and a `RetryInfo` that says "
      "when to\nask again. `StreamJobs` says code and reason in each answer. "
      "Without a reason end only\nunknown methods and messages of more than "
      "`max_message_bytes`, which gRPC itself\nrefuses, and downloads that "
      "are broken off (CANCELLED).\n\n"
      "| reason | code | what it means and what to do |\n|---|---|---|\n";
  for (const ReasonInfo& info : kReasons) {
    text += "| `" + std::string(info.name) + "` | `" +
            absl::StatusCodeToString(info.code) + "` | " +
            std::string(info.advice) + " |\n";
  }
  return text;
}

}  // namespace sheaf
