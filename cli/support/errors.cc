#include "cli/support/errors.h"

#include <map>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/json.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/support/text.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sheaf::cli {
namespace {

constexpr char kDetailsUrl[] = "type.googleapis.com/google.rpc.Status";
constexpr char kExitUrl[] = "sheaf/exit-code";

std::optional<google::rpc::Status> DetailsOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kDetailsUrl);
  google::rpc::Status details;
  if (!payload || !details.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return details;
}

// The first detail of type T, if there is one.
template <class T>
std::optional<T> Detail(const google::rpc::Status& details) {
  for (const auto& any : details.details()) {
    T value;
    if (any.Is<T>() && any.UnpackTo(&value)) return value;
  }
  return std::nullopt;
}

struct Violation {
  std::string subject;
  std::string description;
};

// Every violation that the details name: of fields, preconditions and quotas.
std::vector<Violation> ViolationsOf(const google::rpc::Status& details) {
  std::vector<Violation> violations;
  if (const auto bad = Detail<google::rpc::BadRequest>(details)) {
    for (const auto& each : bad->field_violations()) {
      violations.push_back({each.field(), each.description()});
    }
  }
  if (const auto failure = Detail<google::rpc::PreconditionFailure>(details)) {
    for (const auto& each : failure->violations()) {
      violations.push_back({each.subject(), each.description()});
    }
  }
  if (const auto quota = Detail<google::rpc::QuotaFailure>(details)) {
    for (const auto& each : quota->violations()) {
      violations.push_back({each.subject(), each.description()});
    }
  }
  return violations;
}

// Seconds after which to try again.
std::optional<double> RetryDelay(const google::rpc::Status& details) {
  const auto retry = Detail<google::rpc::RetryInfo>(details);
  if (!retry) return std::nullopt;
  return static_cast<double>(retry->retry_delay().seconds()) +
         retry->retry_delay().nanos() / 1e9;
}

std::string DetailLines(const google::rpc::Status& details) {
  std::string lines;
  for (const auto& [subject, description] : ViolationsOf(details)) {
    absl::StrAppend(&lines, "\n  ", Printable(subject),
                    subject.empty() ? "" : ": ", Printable(description));
  }
  if (const auto seconds = RetryDelay(details)) {
    absl::StrAppend(&lines, "\n  try again in ", *seconds, " s");
  }
  return lines;
}

// Goes by the status's own code: an error with an exit code of its own already
// says what to do.
std::string Remedy(const absl::Status& status, std::string_view server) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return absl::StrCat("is sheafd running at ", ToAbsl(server),
                          "? 'sheaf doctor' looks for the cause");
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "see --token-file in 'sheaf --help'";
    default:
      return "";
  }
}

// Adds the members of the object for programs; `out` is what it writes to.
void AddDetails(const google::rpc::Status& details, JsonObject* object,
                std::string* out) {
  if (const auto info = Detail<google::rpc::ErrorInfo>(details)) {
    object->Text("reason", info->reason());
    if (!info->metadata().empty()) {
      object->Name("metadata");
      JsonObject metadata(out);
      const std::map<std::string, std::string> in_order(
          info->metadata().begin(), info->metadata().end());
      for (const auto& [key, value] : in_order) metadata.Text(key, value);
      metadata.Close();
    }
  }
  const std::vector<Violation> violations = ViolationsOf(details);
  if (!violations.empty()) {
    object->Name("violations");
    for (size_t i = 0; i < violations.size(); ++i) {
      *out += i == 0 ? "[" : ",";
      JsonObject violation(out);
      violation.Text("subject", violations[i].subject);
      violation.Text("description", violations[i].description);
      violation.Close();
    }
    *out += "]";
  }
  if (const auto seconds = RetryDelay(details)) {
    object->Text("retryDelay", absl::StrCat(*seconds, "s"));
  }
}

}  // namespace

const std::vector<ExitCodeText>& ExitCodes() {
  static const std::vector<ExitCodeText>* const kCodes =
      new std::vector<ExitCodeText>{
          {kExitOk, "Done."},
          {kExitInternal, "An internal error, or a check found a problem."},
          {kExitUsage, "The command line or the request is not valid."},
          {kExitNotFound, "Something that the command names does not exist."},
          {kExitConflict,
           "It exists already, or its state does not allow the command."},
          {kExitAuth, "Not signed in, or not permitted."},
          {kExitUnavailable,
           "The server cannot be reached or did not answer in time."},
          {kExitQuota, "A quota or a limit is used up."},
          {kExitJobFailed, "The awaited job ended FAILED."},
          {kExitNothing,
           "There was nothing to do: no runs can be batched, or the plan is "
           "not worth it."},
          {kExitInterrupted, "Interrupted (Ctrl-C)."},
      };
  return *kCodes;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kExitUrl)) {
    int code = kExitInternal;
    if (absl::SimpleAtoi(std::string(*payload), &code)) {
      return static_cast<ExitCode>(code);
    }
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitUsage;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
      return kExitConflict;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kExitAuth;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnavailable;
    case absl::StatusCode::kResourceExhausted:
      return kExitQuota;
    default:
      return kExitInternal;
  }
}

absl::Status WithExitCode(absl::Status status, ExitCode code) {
  status.SetPayload(kExitUrl, absl::Cord(absl::StrCat(code)));
  return status;
}

absl::Status NothingToDo() {
  return WithExitCode(absl::UnknownError(""), kExitNothing);
}

absl::Status UsageError(std::string message) {
  return absl::InvalidArgumentError(message);
}

absl::Status StatusFromWire(int code, std::string_view message,
                            const std::string& details) {
  absl::Status status(static_cast<absl::StatusCode>(code), ToAbsl(message));
  if (!details.empty()) status.SetPayload(kDetailsUrl, absl::Cord(details));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const auto details = DetailsOf(status);
  if (!details) return "";
  const auto info = Detail<google::rpc::ErrorInfo>(*details);
  return info ? info->reason() : "";
}

std::string Explain(const absl::Status& status, std::string_view server) {
  std::string text;
  // A list of bad lines has line breaks of its own; keep those.
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", Printable(ToStd(line)));
  }
  const std::string reason = ReasonOf(status);
  if (!reason.empty()) absl::StrAppend(&text, " (", Printable(reason), ")");
  if (const auto details = DetailsOf(status)) text += DetailLines(*details);
  const std::string remedy = Remedy(status, server);
  if (!remedy.empty()) absl::StrAppend(&text, "\n  ", remedy);
  return text;
}

std::string ErrorJson(const absl::Status& status, std::string_view server) {
  std::string out;
  JsonObject object(&out);
  object.Integer("exitCode", ExitCodeOf(status));
  object.Text("code", absl::StatusCodeToString(status.code()));
  object.Text("message", ToStd(status.message()));
  if (const auto details = DetailsOf(status))
    AddDetails(*details, &object, &out);
  const std::string remedy = Remedy(status, server);
  if (!remedy.empty()) object.Text("help", remedy);
  object.Close();
  return SafeJson(out);
}

}  // namespace sheaf::cli
