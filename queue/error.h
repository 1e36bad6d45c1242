// Every way in which Sheaf says no: a closed set of reasons, each with its
// canonical code and one sentence of advice, and the means to carry a reason
// and its particulars inside an absl::Status.
//
// docs/errors.md is rendered from this table. Values only; any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sheaf {

enum class Reason {
  // The caller's mistake.
  kInvalidField,
  kBadFilter,
  kBadPageToken,
  kTooManyRuns,
  kTooManyLanes,
  kJobTooLarge,
  kSweepMismatch,
  kRequestIdReused,
  kRequestIdSpent,
  kArtifactTooLarge,
  kArtifactTypeRefused,
  kArtifactMismatch,
  kMalformedMessage,
  kMethodNotFound,
  kWorkerOutdated,
  // Not there, or there already.
  kJobNotFound,
  kRunNotFound,
  kQueueNotFound,
  kWorkerNotFound,
  kArtifactNotFound,
  kPlanNotFound,
  kCheckpointNotFound,
  kPreviewNotFound,
  kQueueExists,
  kBackupExists,
  // The wrong moment.
  kTooManyQueues,
  kQueueNotEmpty,
  kQueueDraining,
  kQueueNotPaused,
  kQueueIsDefault,
  kJobNotFinished,
  kJobNotWaiting,
  kJobAlreadyFinished,
  kNothingToRetry,
  kNoAnalysis,
  kPlanStarted,
  kPlanNotActive,
  kLeaseLost,
  kSchemaNewer,
  kSchemaAltered,
  kDatabaseLocked,
  // A lost race.
  kEtagMismatch,
  kAnalysisStale,
  // Too much at once.
  kQueueFull,
  kOwnerQuota,
  kOverloaded,
  kBackupsFull,
  kArtifactsFull,
  // Not now.
  kStoreUnavailable,
  kDiskFull,
  kOutcomeUnknown,
  kServerStopping,
  kDeadlinePassed,
  kStreamIdle,
  kCallCancelled,
  // Broken.
  kStoreCorrupt,
  kArtifactCorrupt,
  kBackupFailed,
  kInternal,  // the last one
};
inline constexpr int kReasonCount = static_cast<int>(Reason::kInternal) + 1;

struct ReasonInfo {
  Reason reason;
  std::string_view name;  // UPPER_SNAKE, as in ErrorInfo.reason
  absl::StatusCode code;
  std::string_view advice;  // what it means and what to do about it
};

// The table: one row per reason, in the order of the enum.
std::span<const ReasonInfo> Reasons();
const ReasonInfo& InfoOf(Reason reason);
std::optional<Reason> ReasonNamed(std::string_view name);

// One field of a request that is not as it should be. `field` is a path such
// as `job.runs[3].weights["depth"]`.
struct Violation {
  std::string field;
  std::string description;
  bool operator==(const Violation&) const = default;
};
using Violations = std::vector<Violation>;

// An error with `reason`'s code. `message` says what happened here, in the
// words of a user; it is shown to callers.
absl::Status Error(Reason reason, std::string_view message);

// INVALID_FIELD, with all that is wrong. `violations` must not be empty.
absl::Status InvalidArgument(Violations violations);

// Each of these returns `status` with one more particular; OK stays OK.
// Metadata keys are lowerCamel; a key said twice keeps the last value.
absl::Status WithMetadata(absl::Status status, std::string_view key,
                          std::string_view value);
absl::Status WithViolation(absl::Status status, std::string_view field,
                           std::string_view description);
// Adds the name of the thing that the error is about: "queues/default".
absl::Status WithSubject(absl::Status status, std::string_view subject);
// Adds how long to wait before it is worth asking again.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

// Each returns the particulars that were put in; empty where there are none.
std::optional<Reason> ReasonOf(const absl::Status& status);
std::map<std::string, std::string> MetadataOf(const absl::Status& status);
Violations ViolationsOf(const absl::Status& status);
std::string SubjectOf(const absl::Status& status);
std::optional<absl::Duration> RetryAfterOf(const absl::Status& status);

// docs/errors.md, whole.
std::string RenderErrorTable();

}  // namespace sheaf
