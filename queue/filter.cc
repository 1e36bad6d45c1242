#include "queue/filter.h"

#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "base/status.h"
#include "queue/error.h"

namespace sheaf {
namespace {

enum class Type { kText, kNumber, kState, kPriority, kTime };

struct FieldFacts {
  std::string_view name;
  FilterField field;
  Type type;
};

constexpr FieldFacts kFields[] = {
    {"id", FilterField::kId, Type::kNumber},
    {"name", FilterField::kId, Type::kNumber},
    {"queue", FilterField::kQueue, Type::kText},
    {"kind", FilterField::kKind, Type::kText},
    {"state", FilterField::kState, Type::kState},
    {"priority", FilterField::kPriority, Type::kPriority},
    {"owner", FilterField::kOwner, Type::kText},
    {"request_id", FilterField::kRequestId, Type::kText},
    {"create_time", FilterField::kCreateTime, Type::kTime},
    {"run_time", FilterField::kRunTime, Type::kTime},
    {"end_time", FilterField::kEndTime, Type::kTime},
    {"labels", FilterField::kLabel, Type::kText},
};

// "=, != and :*": the operators of a type, for messages.
std::string_view OperatorsOf(Type type) {
  switch (type) {
    case Type::kText:
      return "=, !=, : and :*";
    case Type::kState:
      return "= and !=";
    case Type::kNumber:
    case Type::kPriority:
      return "=, !=, <, <=, > and >=";
    case Type::kTime:
      return "=, !=, <, <=, >, >= and :*";
  }
  return "";
}

bool HasOperator(Type type, FilterOp op) {
  switch (op) {
    case FilterOp::kEqual:
    case FilterOp::kNotEqual:
      return true;
    case FilterOp::kContains:
      return type == Type::kText;
    case FilterOp::kPresent:
      return type == Type::kText || type == Type::kTime;
    default:
      return type != Type::kText && type != Type::kState;
  }
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}
bool IsFieldChar(char c) { return IsLetterOrDigit(c) || c == '_'; }
bool IsKeyChar(char c) { return IsFieldChar(c) || c == '-' || c == '.'; }
bool IsBareChar(char c) {
  return IsKeyChar(c) || c == ':' || c == '/' || c == '+' || c == '@' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::optional<int64_t> ReadNumber(std::string_view text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<int64_t> ReadName(std::span<const FilterName> names,
                                std::string_view prefix,
                                std::string_view text) {
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  for (const FilterName& name : names) {
    if (name.name == text) return name.number;
  }
  return std::nullopt;
}

// Milliseconds since 1970. Abseil reads far more than RFC 3339 ("infinite",
// years of any length), so the shape is checked first.
std::optional<int64_t> ReadTime(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kShape.size()) return std::nullopt;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return std::nullopt;
  }
  if (IsSpace(text.back())) return std::nullopt;
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, nullptr)) {
    return std::nullopt;
  }
  constexpr int64_t kYear10000 = 253'402'300'800'000;
  const int64_t milliseconds = absl::ToUnixMillis(time);
  if (milliseconds < 0 || milliseconds >= kYear10000) return std::nullopt;
  return milliseconds;
}

std::optional<int64_t> ReadTyped(Type type, std::string_view text) {
  switch (type) {
    case Type::kNumber:
      if (text.starts_with("jobs/")) text.remove_prefix(5);
      return ReadNumber(text);
    case Type::kState:
      return ReadName(kFilterStates, "JOB_STATE_", text);
    case Type::kPriority:
      return ReadName(kFilterPriorities, "PRIORITY_", text);
    case Type::kTime:
      return ReadTime(text);
    case Type::kText:
      break;
  }
  return std::nullopt;
}

// "LOW, NORMAL or HIGH".
std::string OneOf(std::span<const FilterName> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    if (i > 0) text += last ? " or " : ", ";
    text += names[i].name;
  }
  return text;
}

std::string ExpectedOf(Type type) {
  switch (type) {
    case Type::kNumber:
      return "a job's number or name, like 42 or jobs/42";
    case Type::kState:
      return OneOf(kFilterStates);
    case Type::kPriority:
      return OneOf(kFilterPriorities);
    case Type::kTime:
      return "a time from 1970 on, like \"2026-01-31T12:00:00Z\"";
    case Type::kText:
      break;
  }
  return "a text";
}

// Reads the text once, left to right. A function that returns an error leaves
// the parser useless.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<FilterExpr> Parse() {
    SkipSpace();
    if (AtEnd()) return FilterExpr{};
    SHEAF_ASSIGN_OR_RETURN(FilterExpr filter, Chain());
    if (!AtEnd()) return Bad(at_, "expected AND, OR or the end");
    return filter;
  }

 private:
  using Kind = FilterExpr::Kind;

  struct Value {
    std::string text;
    bool present = false;  // the bare `*`
    size_t at = 0;
  };

  // Unary, or several of them, all joined by AND or all by OR.
  absl::StatusOr<FilterExpr> Chain() {
    SHEAF_ASSIGN_OR_RETURN(FilterExpr first, Unary());
    FilterExpr chain;
    for (SkipSpace(); !AtEnd() && text_[at_] != ')'; SkipSpace()) {
      const size_t at = at_;
      const std::string_view word = Word(IsFieldChar);
      if (word != "AND" && word != "OR") {
        return Bad(at, "expected AND, OR, ) or the end");
      }
      const Kind kind = word == "AND" ? Kind::kAnd : Kind::kOr;
      if (chain.children.empty()) {
        chain.kind = kind;
        chain.children.push_back(std::move(first));
      } else if (chain.kind != kind) {
        return Bad(at, "AND and OR side by side need parentheses");
      }
      SHEAF_ASSIGN_OR_RETURN(FilterExpr next, Unary());
      chain.children.push_back(std::move(next));
    }
    return chain.children.empty() ? std::move(first) : std::move(chain);
  }

  absl::StatusOr<FilterExpr> Unary() {
    SkipSpace();
    if (AtEnd()) return Bad(at_, "expected a comparison");
    const size_t at = at_;
    if (text_[at] == '(') return InParentheses();
    bool negated = text_[at] == '-';
    if (negated) {
      ++at_;
    } else if (Word(IsFieldChar) == "NOT") {
      negated = true;
    } else {
      at_ = at;
    }
    if (!negated) return Term();
    if (++depth_ > kFilterDepthMax) return Bad(at, "too deeply nested");
    SHEAF_ASSIGN_OR_RETURN(FilterExpr child, Unary());
    --depth_;
    FilterExpr result{.kind = Kind::kNot};
    result.children.push_back(std::move(child));
    return result;
  }

  absl::StatusOr<FilterExpr> InParentheses() {
    const size_t open = at_++;
    if (++depth_ > kFilterDepthMax) return Bad(open, "too deeply nested");
    SHEAF_ASSIGN_OR_RETURN(FilterExpr inner, Chain());
    if (AtEnd()) return Bad(open, "this parenthesis is never closed");
    ++at_;
    --depth_;
    return inner;
  }

  absl::StatusOr<FilterExpr> Term() {
    const size_t at = at_;
    if (++terms_ > kFilterTermsMax) return Bad(at, "more than 64 comparisons");
    const std::string_view name = Word(IsFieldChar);
    const FieldFacts* field = nullptr;
    for (const FieldFacts& facts : kFields) {
      if (facts.name == name) field = &facts;
    }
    if (field == nullptr) return Bad(at, UnknownField(name));
    FilterExpr result{.kind = Kind::kTerm};
    result.term.field = field->field;
    if (field->field == FilterField::kLabel) {
      SHEAF_RETURN_IF_ERROR(LabelKey(result.term));
      if (result.term.op == FilterOp::kPresent) return result;
    }
    SHEAF_RETURN_IF_ERROR(Comparison(*field, result.term));
    return result;
  }

  static std::string UnknownField(std::string_view name) {
    if (name.empty()) return "expected a field's name";
    std::string text = "unknown field \"" + std::string(name) + "\"; there are";
    std::string_view separator = " ";
    for (const FieldFacts& facts : kFields) {
      text += std::string(separator) + std::string(facts.name);
      separator = ", ";
    }
    return text;
  }

  // `labels.KEY`, to be compared; or `labels:KEY`, complete (kPresent).
  absl::Status LabelKey(FilterTerm& term) {
    const bool dot = !AtEnd() && text_[at_] == '.';
    if (!dot) SkipSpace();
    if (AtEnd() || (text_[at_] != '.' && text_[at_] != ':')) {
      return Bad(at_, "labels need a key, like labels.team or labels:team");
    }
    ++at_;
    if (!dot) SkipSpace();
    const size_t at = at_;
    if (!AtEnd() && (text_[at_] == '"' || text_[at_] == '\'')) {
      SHEAF_ASSIGN_OR_RETURN(term.label, Quoted());
    } else {
      term.label = std::string(Word(IsKeyChar));
    }
    if (term.label.empty()) return Bad(at, "expected the key of a label");
    if (!dot) term.op = FilterOp::kPresent;
    return absl::OkStatus();
  }

  absl::Status Comparison(const FieldFacts& field, FilterTerm& term) {
    SkipSpace();
    const size_t at = at_;
    const std::optional<FilterOp> op = Operator();
    if (!op) {
      return Bad(
          at, "expected an operator: " + std::string(OperatorsOf(field.type)));
    }
    SkipSpace();
    SHEAF_ASSIGN_OR_RETURN(Value value, ReadValue(*op));
    term.op = value.present ? FilterOp::kPresent : *op;
    if (!HasOperator(field.type, term.op)) {
      return Bad(at, std::string(field.name) + " is compared by " +
                         std::string(OperatorsOf(field.type)));
    }
    return value.present ? absl::OkStatus() : SetValue(field, value, term);
  }

  absl::Status SetValue(const FieldFacts& field, Value& value,
                        FilterTerm& term) {
    if (field.type == Type::kText) {
      if (field.field == FilterField::kQueue &&
          value.text.starts_with("queues/")) {
        value.text.erase(0, 7);
      }
      term.value = std::move(value.text);
      return absl::OkStatus();
    }
    const std::optional<int64_t> number = ReadTyped(field.type, value.text);
    if (!number) {
      return Bad(value.at,
                 std::string(field.name) + " needs " + ExpectedOf(field.type));
    }
    term.value = *number;
    return absl::OkStatus();
  }

  std::optional<FilterOp> Operator() {
    constexpr std::pair<std::string_view, FilterOp> kOperators[] = {
        {"!=", FilterOp::kNotEqual},     {"<=", FilterOp::kLessEqual},
        {">=", FilterOp::kGreaterEqual}, {"=", FilterOp::kEqual},
        {"<", FilterOp::kLess},          {">", FilterOp::kGreater},
        {":", FilterOp::kContains}};
    for (const auto& [sign, op] : kOperators) {
      if (!text_.substr(at_).starts_with(sign)) continue;
      at_ += sign.size();
      return op;
    }
    return std::nullopt;
  }

  absl::StatusOr<Value> ReadValue(FilterOp op) {
    Value value{.at = at_};
    if (AtEnd()) return Bad(at_, "expected a value");
    if (text_[at_] == '"' || text_[at_] == '\'') {
      SHEAF_ASSIGN_OR_RETURN(value.text, Quoted());
      return value;
    }
    if (text_[at_] == '*' && op == FilterOp::kContains) {
      ++at_;
      value.present = true;
    } else {
      value.text = std::string(Word(IsBareChar));
    }
    const bool whole = AtEnd() || IsSpace(text_[at_]) || text_[at_] == ')';
    if (!whole) return Bad(at_, "values with such characters need quotes");
    if (value.text.empty() && !value.present) {
      return Bad(at_, "expected a value");
    }
    return value;
  }

  absl::StatusOr<std::string> Quoted() {
    const size_t open = at_;
    const char quote = text_[at_++];
    std::string value;
    while (!AtEnd() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '\\') {
        if (AtEnd()) break;
        const size_t which = std::string_view("\\\"'nt").find(text_[at_++]);
        if (which == std::string_view::npos) {
          return Bad(at_ - 2, R"(the escapes are \\, \", \', \n and \t)");
        }
        c = "\\\"'\n\t"[which];
      }
      value += c;
    }
    if (AtEnd()) return Bad(open, "this quote is never closed");
    ++at_;
    return value;
  }

  template <class Predicate>
  std::string_view Word(Predicate belongs) {
    const size_t start = at_;
    while (!AtEnd() && belongs(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  void SkipSpace() {
    while (!AtEnd() && IsSpace(text_[at_])) ++at_;
  }
  bool AtEnd() const { return at_ == text_.size(); }

  static absl::Status Bad(size_t at, std::string_view what) {
    const std::string column = std::to_string(at + 1);
    return WithMetadata(Error(Reason::kBadFilter, "filter, column " + column +
                                                      ": " + std::string(what)),
                        "column", column);
  }

  const std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  int terms_ = 0;
};

}  // namespace

std::string_view NameOf(FilterField field) {
  for (const FieldFacts& facts : kFields) {
    if (facts.field == field) return facts.name;
  }
  return "";
}

absl::StatusOr<FilterExpr> ParseFilter(std::string_view text) {
  if (text.size() > kFilterBytesMax) {
    return Error(Reason::kBadFilter, "the filter is longer than 2048 bytes");
  }
  if (text.find('\0') != std::string_view::npos) {
    return Error(Reason::kBadFilter, "the filter holds a NUL byte");
  }
  return Parser(text).Parse();
}

}  // namespace sheaf
