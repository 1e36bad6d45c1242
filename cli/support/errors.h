// Shows errors in words for a person and as an exit code for a script. Statuses
// from the server carry their google.rpc details as a payload, so nothing here
// needs gRPC. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace sheaf::cli {

// The exit codes of `sheaf`; the man page prints this list (ExitCodeList).
enum ExitCode : int {
  kExitOk = 0,
  kExitInternal = 1,
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitConflict = 4,
  kExitAuth = 5,
  kExitUnavailable = 6,
  kExitQuota = 7,
  kExitJobFailed = 8,
  kExitNothing = 9,
  kExitInterrupted = 130,
};

struct ExitCodeText {
  ExitCode code;
  const char* text;
};

// Every exit code with what it means, in ascending order.
const std::vector<ExitCodeText>& ExitCodes();

// The code that a command ending with `status` exits with.
ExitCode ExitCodeOf(const absl::Status& status);

// `status` that exits with `code`, whatever its own code says.
absl::Status WithExitCode(absl::Status status, ExitCode code);

// Nothing was wrong, and nothing was there to do: exits 9 without a message,
// since the command has printed its answer.
absl::Status NothingToDo();

// The user's mistake on the command line or in a file he named: exits 2.
absl::Status UsageError(std::string message);

// An absl::Status from the parts of a gRPC one. `details` is the serialized
// google.rpc.Status of the trailers; empty or broken details are left out.
absl::Status StatusFromWire(int code, std::string_view message,
                            const std::string& details);

// The reason of the status's ErrorInfo, e.g. "QUEUE_FULL"; empty without one.
std::string ReasonOf(const absl::Status& status);

// The lines to print for `status`, without "error:" and safe for a terminal:
// the message with its reason, then one indented line per field violation,
// precondition, quota and retry hint, then what to try next. `server` is the
// address that was called.
std::string Explain(const absl::Status& status, std::string_view server);

// The same for programs: an object on one line, with `exitCode`, `code`
// ("NOT_FOUND") and `message`; where they are known, also `reason`, `metadata`
// of the ErrorInfo, `violations` (each with `subject` and `description`),
// `retryDelay` ("1.5s") and `help`.
std::string ErrorJson(const absl::Status& status, std::string_view server);

}  // namespace sheaf::cli
