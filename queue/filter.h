// The filters of ListJobs and CancelJob, read from text into a small tree.
// docs/filters.md has the grammar.
//
// A filter that parses is well typed: every term compares a known field with a
// value of its type by an operator that the field has, so readers of the tree
// (Matches here, queue/sqlite/filter_sql.h) need no checks of their own. Truth
// has two values: a comparison with something the job does not have (a label,
// an end_time) is false, and `!=` is always the opposite of `=`.
//
// Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/run_state.h"

namespace sheaf {

inline constexpr size_t kFilterBytesMax = 2048;
inline constexpr int kFilterDepthMax = 32;  // parentheses and NOTs
inline constexpr int kFilterTermsMax = 64;

enum class FilterField {
  kId,          // number
  kQueue,       // text, without "queues/"
  kKind,        // text
  kState,       // number, a JobState; = and != only
  kPriority,    // number, a Priority
  kOwner,       // text
  kRequestId,   // text
  kCreateTime,  // number, ms since 1970
  kRunTime,     // the same
  kEndTime,     // the same
  kLabel,       // text, of the label `FilterTerm::label`
};

// As filters write it: "create_time".
std::string_view NameOf(FilterField field);

enum class FilterOp {
  kEqual,
  kNotEqual,
  kLess,  // this and the next three on numbers only
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kContains,  // text only
  kPresent,   // has any value at all; text not empty, a label there
};

struct FilterTerm {
  FilterField field = FilterField::kId;
  FilterOp op = FilterOp::kEqual;
  std::string label;                         // of kLabel
  std::variant<int64_t, std::string> value;  // as the field says
  bool operator==(const FilterTerm&) const = default;
};

// kAnd holds if all children do (so, with none, always), kOr if any does, kNot
// if its only child does not, kTerm if `term` does.
struct FilterExpr {
  enum class Kind { kAnd, kOr, kNot, kTerm };
  Kind kind = Kind::kAnd;
  std::vector<FilterExpr> children;
  FilterTerm term;
  bool operator==(const FilterExpr&) const = default;
};

// The tree of `text`; empty text means all jobs. BAD_FILTER with the column
// (counted in bytes, from 1) and what was expected there.
absl::StatusOr<FilterExpr> ParseFilter(std::string_view text);

// Text that parses to the same tree.
std::string PrintFilter(const FilterExpr& filter);

// The facts that a filter can ask of a job. An infinite time is one that the
// job does not have.
struct JobFacts {
  int64_t id = 0;
  std::string queue;
  std::string kind;
  std::string owner;
  std::string request_id;
  int state = 0;     // JobState
  int priority = 0;  // Priority
  absl::Time create_time = absl::InfinitePast();
  absl::Time run_time = absl::InfinitePast();
  absl::Time end_time = absl::InfiniteFuture();
  const std::map<std::string, std::string>* labels = nullptr;  // or none
};

bool Matches(const FilterExpr& filter, const JobFacts& job);

// Names on both sides of the parser: "QUEUED" is 1, and so on.
struct FilterName {
  std::string_view name;
  int64_t number = 0;
};
inline constexpr auto kFilterStates = [] {
  std::array<FilterName, std::size(kRunStates)> names;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = {kRunStates[i].name, static_cast<int64_t>(kRunStates[i].state)};
  }
  return names;
}();
inline constexpr FilterName kFilterPriorities[] = {
    {"LOW", 1}, {"NORMAL", 2}, {"HIGH", 3}, {"URGENT", 4}};

}  // namespace sheaf
