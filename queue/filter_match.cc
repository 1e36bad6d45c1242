// The meaning of a filter's tree (Matches) and its text (PrintFilter).
#include <optional>
#include <span>

#include "base/status.h"
#include "queue/filter.h"

namespace sheaf {
namespace {

using Kind = FilterExpr::Kind;

template <class T>
bool Compare(const T& left, FilterOp op, const T& right) {
  switch (op) {
    case FilterOp::kEqual:
      return left == right;
    case FilterOp::kNotEqual:
      return left != right;
    case FilterOp::kLess:
      return left < right;
    case FilterOp::kLessEqual:
      return left <= right;
    case FilterOp::kGreater:
      return left > right;
    case FilterOp::kGreaterEqual:
      return left >= right;
    case FilterOp::kContains:
    case FilterOp::kPresent:
      break;
  }
  return false;
}

bool MatchText(const std::string& text, const FilterTerm& term) {
  if (term.op == FilterOp::kPresent) return !text.empty();
  const std::string& value = std::get<std::string>(term.value);
  if (term.op == FilterOp::kContains) {
    return text.find(value) != std::string::npos;
  }
  return Compare(text, term.op, value);
}

bool MatchLabel(const std::map<std::string, std::string>* labels,
                const FilterTerm& term) {
  const bool absent = labels == nullptr || !labels->contains(term.label);
  if (absent) return term.op == FilterOp::kNotEqual;
  if (term.op == FilterOp::kPresent) return true;
  return MatchText(labels->at(term.label), term);
}

bool MatchTime(absl::Time time, const FilterTerm& term) {
  const bool absent =
      time == absl::InfiniteFuture() || time == absl::InfinitePast();
  if (absent) return term.op == FilterOp::kNotEqual;
  if (term.op == FilterOp::kPresent) return true;
  return Compare(absl::ToUnixMillis(time), term.op,
                 std::get<int64_t>(term.value));
}

bool MatchNumber(int64_t number, const FilterTerm& term) {
  return Compare(number, term.op, std::get<int64_t>(term.value));
}

bool MatchTerm(const FilterTerm& term, const JobFacts& job) {
  switch (term.field) {
    case FilterField::kId:
      return MatchNumber(job.id, term);
    case FilterField::kQueue:
      return MatchText(job.queue, term);
    case FilterField::kKind:
      return MatchText(job.kind, term);
    case FilterField::kState:
      return MatchNumber(job.state, term);
    case FilterField::kPriority:
      return MatchNumber(job.priority, term);
    case FilterField::kOwner:
      return MatchText(job.owner, term);
    case FilterField::kRequestId:
      return MatchText(job.request_id, term);
    case FilterField::kCreateTime:
      return MatchTime(job.create_time, term);
    case FilterField::kRunTime:
      return MatchTime(job.run_time, term);
    case FilterField::kEndTime:
      return MatchTime(job.end_time, term);
    case FilterField::kLabel:
      return MatchLabel(job.labels, term);
  }
  return false;
}

std::string Quote(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string NameIn(std::span<const FilterName> names, int64_t number) {
  for (const FilterName& name : names) {
    if (name.number == number) return std::string(name.name);
  }
  return std::to_string(number);
}

std::string PrintValue(const FilterTerm& term) {
  if (const auto* text = std::get_if<std::string>(&term.value)) {
    // The parser takes one "queues/" off. Where the name begins with another
    // one, both are printed.
    const bool has_prefix =
        term.field == FilterField::kQueue && text->starts_with("queues/");
    return Quote((has_prefix ? "queues/" : "") + *text);
  }
  const int64_t number = std::get<int64_t>(term.value);
  switch (term.field) {
    case FilterField::kState:
      return NameIn(kFilterStates, number);
    case FilterField::kPriority:
      return NameIn(kFilterPriorities, number);
    case FilterField::kId:
      return std::to_string(number);
    default:
      return Quote(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ",
                                    absl::FromUnixMillis(number),
                                    absl::UTCTimeZone()));
  }
}

std::string PrintTerm(const FilterTerm& term) {
  constexpr std::string_view kSigns[] = {
      " = ", " != ", " < ", " <= ", " > ", " >= ", ":", ":*"};
  std::string text(NameOf(term.field));
  if (term.field == FilterField::kLabel) text += "." + Quote(term.label);
  text += kSigns[static_cast<int>(term.op)];
  return term.op == FilterOp::kPresent ? text : text + PrintValue(term);
}

std::string PrintInner(const FilterExpr& filter) {
  const bool chain = filter.kind == Kind::kAnd || filter.kind == Kind::kOr;
  return chain ? "(" + PrintFilter(filter) + ")" : PrintFilter(filter);
}

}  // namespace

bool Matches(const FilterExpr& filter, const JobFacts& job) {
  switch (filter.kind) {
    case Kind::kTerm:
      return MatchTerm(filter.term, job);
    case Kind::kNot:
      return !Matches(filter.children[0], job);
    case Kind::kAnd:
      for (const FilterExpr& child : filter.children) {
        if (!Matches(child, job)) return false;
      }
      return true;
    case Kind::kOr:
      for (const FilterExpr& child : filter.children) {
        if (Matches(child, job)) return true;
      }
      return false;
  }
  return false;
}

std::string PrintFilter(const FilterExpr& filter) {
  if (filter.kind == Kind::kTerm) return PrintTerm(filter.term);
  if (filter.kind == Kind::kNot) {
    return "NOT " + PrintInner(filter.children[0]);
  }
  std::string text;
  for (const FilterExpr& child : filter.children) {
    if (!text.empty()) text += filter.kind == Kind::kAnd ? " AND " : " OR ";
    text += PrintInner(child);
  }
  return text;
}

}  // namespace sheaf
