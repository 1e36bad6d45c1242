#include "cli/support/flag_values.h"

#include <cmath>
#include <regex>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/near_word.h"
#include "base/status.h"
#include "cli/support/errors.h"

namespace sheaf::cli {
namespace {

// `text` with `prefix` in front, if it lacks it, when the rest fits `pattern`.
absl::StatusOr<std::string> ResourceName(std::string_view text,
                                         const std::string& prefix,
                                         const char* pattern,
                                         const std::string& hint) {
  std::string rest(text);
  if (rest.rfind(prefix, 0) == 0) rest.erase(0, prefix.size());
  // A bound before the regular expression: std::regex recurses.
  if (rest.size() > 128 || !std::regex_match(rest, std::regex(pattern))) {
    return UsageError(absl::StrCat("'", ToAbsl(text), "' ", hint));
  }
  return prefix + rest;
}

absl::StatusOr<double> ParseNumber(const std::string& text,
                                   const std::string& what) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
    return UsageError(
        absl::StrCat(what, " must be a number, not '", text, "'"));
  }
  return value;
}

absl::StatusOr<v1::SweepRange> ParseRange(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, "..");
  if (parts.size() > 3) {
    return UsageError(absl::StrCat(
        "a range is FROM..TO or FROM..TO..STEP, not '", text, "'"));
  }
  v1::SweepRange range;
  SHEAF_ASSIGN_OR_RETURN(const double from, ParseNumber(parts[0], "FROM"));
  SHEAF_ASSIGN_OR_RETURN(const double to, ParseNumber(parts[1], "TO"));
  range.set_from(from);
  range.set_to(to);
  if (parts.size() == 3) {
    SHEAF_ASSIGN_OR_RETURN(const double step, ParseNumber(parts[2], "STEP"));
    range.set_step(step);
  }
  return range;
}

}  // namespace

absl::StatusOr<std::string> JobName(std::string_view text) {
  return ResourceName(text, "jobs/", "[0-9]{1,18}",
                      "is no job: write 42 or jobs/42");
}

std::string JobIdText(std::string_view name) {
  return std::string(absl::StripPrefix(ToAbsl(name), "jobs/"));
}

absl::StatusOr<std::string> JobOrRunName(std::string_view text) {
  return ResourceName(text, "jobs/", "[0-9]{1,18}(/runs/[0-9]{1,9})?",
                      "is no job or run: write 42, jobs/42 or jobs/42/runs/0");
}

absl::StatusOr<std::string> RunName(std::string_view text) {
  SHEAF_ASSIGN_OR_RETURN(std::string name, JobOrRunName(text));
  if (!absl::StrContains(name, "/runs/")) name += "/runs/0";
  return name;
}

absl::StatusOr<std::string> QueueName(std::string_view text) {
  return ResourceName(text, "queues/", "[a-z0-9][a-z0-9_-]{0,62}",
                      "is no queue: write default or queues/default, in lower "
                      "case");
}

absl::StatusOr<std::string> WorkerName(std::string_view text) {
  return ResourceName(text, "workers/", "[0-9]{1,18}",
                      "is no worker: write 3 or workers/3");
}

absl::StatusOr<std::string> ArtifactName(std::string_view text) {
  return ResourceName(text, "artifacts/", "[0-9a-f]{64}",
                      "is no artifact: write artifacts/ and 64 hex digits");
}

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  absl::Duration duration;
  std::string in_hours(text);
  int64_t days = 0;
  // Retention is counted in days, which absl leaves out.
  if (!text.empty() && text.back() == 'd' &&
      absl::SimpleAtoi(ToAbsl(text.substr(0, text.size() - 1)), &days) &&
      days < 36525) {
    in_hours = absl::StrCat(days * 24, "h");
  }
  if (!absl::ParseDuration(in_hours, &duration) ||
      duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
    return UsageError(absl::StrCat("'", ToAbsl(text),
                                   "' is no duration: write 10s, 5m, 2h or "
                                   "7d"));
  }
  return duration;
}

absl::StatusOr<absl::Time> ParseTime(std::string_view text, absl::Time now) {
  if (text == "now") return now;
  if (!text.empty() && text.front() == '+') {
    SHEAF_ASSIGN_OR_RETURN(const absl::Duration ahead,
                           ParseDuration(text.substr(1)));
    return now + ahead;
  }
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return UsageError(absl::StrCat("'", ToAbsl(text),
                                   "' is no time: write now, +5m or "
                                   "2027-01-31T08:00:00Z"));
  }
  return time;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  const int64_t seconds = absl::ToInt64Seconds(duration);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
  return proto;
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<v1::Priority> ParsePriority(std::string_view text) {
  const std::string name = "PRIORITY_" + absl::AsciiStrToUpper(ToAbsl(text));
  v1::Priority priority;
  if (text.empty() || !v1::Priority_Parse(name, &priority) ||
      priority == v1::PRIORITY_UNSPECIFIED) {
    return UsageError(
        absl::StrCat("'", ToAbsl(text),
                     "' is no priority: write low, normal, high or urgent",
                     DidYouMean(text, {"low", "normal", "high", "urgent"})));
  }
  return priority;
}

absl::StatusOr<std::pair<std::string, std::string>> ParseKeyValue(
    std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return UsageError(
        absl::StrCat("'", ToAbsl(text), "' must look like KEY=VALUE"));
  }
  return std::pair(std::string(text.substr(0, equals)),
                   std::string(text.substr(equals + 1)));
}

absl::StatusOr<v1::Control> ParseControl(std::string_view text) {
  std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), ':');
  v1::Control control;
  const size_t equals = parts[0].find('=');
  control.set_type(parts[0].substr(0, equals));
  if (equals != std::string::npos) {
    control.set_preprocess(parts[0].substr(equals + 1));
  }
  const bool lacks_detector =
      equals != std::string::npos && control.preprocess().empty();
  if (control.type().empty() || lacks_detector) {
    return UsageError(absl::StrCat(
        "'", ToAbsl(text),
        "' must look like TYPE[=DETECTOR][:WEIGHT[:IMAGE[:START:END]]]"));
  }
  if (parts.size() > 1 && !parts[1].empty()) {
    SHEAF_ASSIGN_OR_RETURN(const double weight,
                           ParseNumber(parts[1], "the weight of a control"));
    control.set_weight(weight);
  }
  // START and END are the last two parts, so that a file name may hold ':'.
  double start = 0;
  double end = 0;
  if (parts.size() >= 5 && absl::SimpleAtod(parts[parts.size() - 2], &start) &&
      absl::SimpleAtod(parts.back(), &end) && std::isfinite(start) &&
      std::isfinite(end)) {
    control.set_start(start);
    control.set_end(end);
    parts.resize(parts.size() - 2);
  }
  std::string* const image = control.mutable_image();
  for (size_t i = 2; i < parts.size(); ++i) {
    absl::StrAppend(image, i == 2 ? "" : ":", parts[i]);
  }
  return control;
}

absl::StatusOr<v1::Lora> ParseLora(std::string_view text) {
  v1::Lora lora;
  const size_t colon = text.find(':');
  lora.set_name(std::string(text.substr(0, colon)));
  if (lora.name().empty()) {
    return UsageError(
        absl::StrCat("'", ToAbsl(text), "' must look like NAME[:WEIGHT]"));
  }
  if (colon != std::string_view::npos) {
    SHEAF_ASSIGN_OR_RETURN(const double weight,
                           ParseNumber(std::string(text.substr(colon + 1)),
                                       "the weight of a LoRA"));
    lora.set_weight(weight);
  }
  return lora;
}

absl::StatusOr<v1::SweepAxis> ParseSweepAxis(std::string_view text) {
  SHEAF_ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(text));
  v1::SweepAxis axis;
  axis.set_field(pair.first);
  // Free text may hold "..": there it makes no range.
  const bool is_text = absl::StartsWith(pair.first, "extra.") ||
                       absl::EndsWith(pair.first, "prompt") ||
                       absl::EndsWith(pair.first, "prompt_2");
  if (!is_text && absl::StrContains(pair.second, "..")) {
    SHEAF_ASSIGN_OR_RETURN(*axis.mutable_range(), ParseRange(pair.second));
    return axis;
  }
  for (absl::string_view value : absl::StrSplit(pair.second, ',')) {
    axis.add_values(std::string(value));
  }
  return axis;
}

}  // namespace sheaf::cli
