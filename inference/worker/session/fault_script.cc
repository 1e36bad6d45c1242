#include "inference/worker/session/fault_script.h"

#include <array>
#include <cmath>

#include "absl/strings/numbers.h"
#include "base/status.h"
#include "fmt/format.h"

namespace sheaf::worker {
namespace {

struct ActionName {
  std::string_view name;
  FaultAction action;
  bool ends_process;  // May strike at points other than a step.
};

constexpr std::array<ActionName, 9> kActions = {{
    {"exception", FaultAction::kException, false},
    {"oom", FaultAction::kOutOfMemory, false},
    {"nan", FaultAction::kNan, false},
    {"hang", FaultAction::kHang, true},
    {"crash", FaultAction::kCrash, true},
    {"exit", FaultAction::kExit, true},
    {"bad-input", FaultAction::kBadInput, false},
    {"fail", FaultAction::kFail, false},
    {"lost", FaultAction::kLost, false},
}};

struct PointName {
  std::string_view name;
  FaultPoint point;
};

constexpr std::array<PointName, 3> kPoints = {{
    {"lease", FaultPoint::kLease},
    {"before-finish", FaultPoint::kBeforeFinish},
    {"after-finish", FaultPoint::kAfterFinish},
}};

absl::Status Bad(std::string message) {
  return absl::InvalidArgumentError(std::move(message));
}

absl::StatusOr<int> ParseCount(std::string_view key, std::string_view text,
                               int least) {
  int value = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &value) || value < least) {
    return Bad(fmt::format("{} needs a whole number of at least {}, not '{}'",
                           key, least, text));
  }
  return value;
}

absl::Status SetStep(std::string_view value, Fault* fault) {
  SHEAF_ASSIGN_OR_RETURN(fault->step, ParseCount("step=", value, 1));
  return absl::OkStatus();
}

absl::Status SetRow(std::string_view value, Fault* fault) {
  SHEAF_ASSIGN_OR_RETURN(fault->row, ParseCount("row=", value, 0));
  return absl::OkStatus();
}

absl::Status SetAttempt(std::string_view value, Fault* fault) {
  SHEAF_ASSIGN_OR_RETURN(fault->attempt, ParseCount("attempt=", value, 1));
  return absl::OkStatus();
}

absl::Status SetRowsAbove(std::string_view value, Fault* fault) {
  SHEAF_ASSIGN_OR_RETURN(fault->rows_above, ParseCount("rows>", value, 0));
  return absl::OkStatus();
}

absl::Status SetPromptPart(std::string_view value, Fault* fault) {
  if (value.empty()) return Bad("prompt~ needs a piece of the prompt");
  fault->prompt_part = std::string(value);
  return absl::OkStatus();
}

absl::Status SetProbability(std::string_view value, Fault* fault) {
  if (!absl::SimpleAtod(ToAbsl(value), &fault->probability) ||
      !(fault->probability >= 0 && fault->probability <= 1)) {
    return Bad(fmt::format("p= needs a number from 0 to 1, not '{}'", value));
  }
  return absl::OkStatus();
}

absl::Status SetSeed(std::string_view value, Fault* fault) {
  if (!absl::SimpleAtoi(ToAbsl(value), &fault->seed)) {
    return Bad(fmt::format("seed= needs a whole number of at least 0, not '{}'",
                           value));
  }
  return absl::OkStatus();
}

struct Condition {
  std::string_view prefix;
  absl::Status (*set)(std::string_view value, Fault* fault);
};

constexpr std::array<Condition, 7> kConditions = {{
    {"step=", SetStep},
    {"row=", SetRow},
    {"attempt=", SetAttempt},
    {"rows>", SetRowsAbove},
    {"prompt~", SetPromptPart},
    {"p=", SetProbability},
    {"seed=", SetSeed},
}};

absl::Status AddCondition(std::string_view text, bool ends_process,
                          Fault* fault) {
  for (const PointName& point : kPoints) {
    if (text != point.name) continue;
    if (!ends_process) {
      return Bad(fmt::format("only hang, crash and exit can strike at '{}'",
                             point.name));
    }
    fault->point = point.point;
    return absl::OkStatus();
  }
  for (const Condition& condition : kConditions) {
    if (text.starts_with(condition.prefix)) {
      return condition.set(text.substr(condition.prefix.size()), fault);
    }
  }
  return Bad(fmt::format(
      "'{}' is not a condition; conditions are lease, before-finish, "
      "after-finish, step=, row=, rows>, attempt=, prompt~, p= and seed=",
      text));
}

absl::StatusOr<Fault> ParseParts(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view name = text.substr(0, at);
  const ActionName* action = nullptr;
  for (const ActionName& candidate : kActions) {
    if (candidate.name == name) action = &candidate;
  }
  if (action == nullptr) {
    return Bad(
        fmt::format("'{}' is not an action; actions are exception, oom, nan, "
                    "hang, crash, exit, bad-input, fail and lost",
                    name));
  }
  Fault fault;
  fault.action = action->action;
  if (at == std::string_view::npos) return fault;
  std::string_view rest = text.substr(at + 1);
  while (true) {
    const std::size_t comma = rest.find(',');
    SHEAF_RETURN_IF_ERROR(
        AddCondition(rest.substr(0, comma), action->ends_process, &fault));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (fault.point != FaultPoint::kStep && (fault.step || fault.rows_above)) {
    return Bad("step= and rows> do not apply to a fault outside the steps");
  }
  return fault;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// In [0, 1), the same on every machine: FNV-1a, then the finalizer of
// splitmix64, without which neighbouring runs draw neighbouring numbers.
double Draw(std::uint64_t seed, std::string_view run, int attempt) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (const char c : fmt::format("{}#{}", run, attempt)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  hash ^= hash >> 31;
  return std::ldexp(static_cast<double>(hash >> 11), -53);
}

}  // namespace

absl::StatusOr<Fault> ParseFault(std::string_view text) {
  absl::StatusOr<Fault> fault = ParseParts(Trim(text));
  if (fault.ok()) return fault;
  return Bad(
      fmt::format("fault '{}': {}", text, ToStd(fault.status().message())));
}

absl::StatusOr<std::vector<Fault>> ParseFaults(std::string_view text) {
  std::vector<Fault> faults;
  while (true) {
    const std::size_t end = text.find(';');
    const std::string_view part = Trim(text.substr(0, end));
    if (!part.empty()) {
      SHEAF_ASSIGN_OR_RETURN(Fault fault, ParseFault(part));
      faults.push_back(std::move(fault));
    }
    if (end == std::string_view::npos) return faults;
    text.remove_prefix(end + 1);
  }
}

bool Applies(const Fault& fault, const FaultSubject& subject) {
  if (fault.row && *fault.row != subject.row) return false;
  if (fault.attempt && *fault.attempt != subject.attempt) return false;
  if (subject.prompt.find(fault.prompt_part) == std::string_view::npos) {
    return false;
  }
  return Draw(fault.seed, subject.run, subject.attempt) < fault.probability;
}

bool StrikesAtStep(const Fault& fault, int step, int rows) {
  if (fault.point != FaultPoint::kStep) return false;
  if (fault.rows_above && rows <= *fault.rows_above) return false;
  if (fault.step) return step == *fault.step;
  return fault.action == FaultAction::kOutOfMemory || step == 1;
}

}  // namespace sheaf::worker
