// Reads values that are written as text on the command line. Pure functions;
// each error is INVALID_ARGUMENT and says what would be right.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "sheaf/v1/job.pb.h"

namespace sheaf::cli {

// "42" or "jobs/42" -> "jobs/42".
absl::StatusOr<std::string> JobName(std::string_view text);
// The way back: "jobs/42" -> "42".
std::string JobIdText(std::string_view name);
// As JobName, and "jobs/42/runs/0" or "42/runs/0".
absl::StatusOr<std::string> JobOrRunName(std::string_view text);
// The same; of a job alone, its first run.
absl::StatusOr<std::string> RunName(std::string_view text);
// "default" or "queues/default" -> "queues/default".
absl::StatusOr<std::string> QueueName(std::string_view text);
// "3" or "workers/3" -> "workers/3".
absl::StatusOr<std::string> WorkerName(std::string_view text);
// "artifacts/HEX" or "HEX" -> "artifacts/HEX".
absl::StatusOr<std::string> ArtifactName(std::string_view text);

// "300ms", "10s", "5m", "2h", "7d"; never negative.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);
// "now", "+5m", or RFC 3339: "2027-01-31T08:00:00Z".
absl::StatusOr<absl::Time> ParseTime(std::string_view text, absl::Time now);

google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);
absl::Duration FromProto(const google::protobuf::Duration& duration);

// "low", "normal", "high", "urgent".
absl::StatusOr<v1::Priority> ParsePriority(std::string_view text);

// "KEY=VALUE"; the value may be empty and hold more '='.
absl::StatusOr<std::pair<std::string, std::string>> ParseKeyValue(
    std::string_view text);

// "TYPE[=DETECTOR][:WEIGHT[:IMAGE[:START:END]]]"; an empty WEIGHT leaves it to
// the server. IMAGE stays as written: a file is uploaded later.
absl::StatusOr<v1::Control> ParseControl(std::string_view text);
// "NAME[:WEIGHT]".
absl::StatusOr<v1::Lora> ParseLora(std::string_view text);
// "FIELD=A..B", "FIELD=A..B..STEP" or "FIELD=V1,V2,...".
absl::StatusOr<v1::SweepAxis> ParseSweepAxis(std::string_view text);

}  // namespace sheaf::cli
