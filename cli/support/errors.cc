#include "cli/support/errors.h"

#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

void AddLine(std::string* text, const std::string& subject,
             const std::string& description) {
  absl::StrAppend(text, "\n  ", Printable(subject), subject.empty() ? "" : ": ",
                  Printable(description));
}

std::string DetailLines(const google::rpc::Status& details) {
  std::string lines;
  if (const auto bad = Detail<google::rpc::BadRequest>(details)) {
    for (const auto& violation : bad->field_violations()) {
      AddLine(&lines, violation.field(), violation.description());
    }
  }
  if (const auto failure = Detail<google::rpc::PreconditionFailure>(details)) {
    for (const auto& violation : failure->violations()) {
      AddLine(&lines, violation.subject(), violation.description());
    }
  }
  if (const auto quota = Detail<google::rpc::QuotaFailure>(details)) {
    for (const auto& violation : quota->violations()) {
      AddLine(&lines, violation.subject(), violation.description());
    }
  }
  if (const auto retry = Detail<google::rpc::RetryInfo>(details)) {
    const auto& delay = retry->retry_delay();
    const double seconds =
        static_cast<double>(delay.seconds()) + delay.nanos() / 1e9;
    absl::StrAppend(&lines, "\n  try again in ", seconds, " s");
  }
  return lines;
}

// Goes by the status's own code: an error with an exit code of its own already
// says what to do.
std::string Remedy(const absl::Status& status, std::string_view server) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return absl::StrCat("\n  is sheafd running at ", ToAbsl(server),
                          "? 'sheaf doctor' looks for the cause");
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "\n  see --token-file in 'sheaf --help'";
    default:
      return "";
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
  return text + Remedy(status, server);
}

}  // namespace sheaf::cli
