#include "queue/sqlite/filter_sql.h"

#include <string_view>
#include <utility>

#include "queue/types.h"

namespace sheaf {
namespace {

using Kind = FilterExpr::Kind;

std::string_view SignOf(FilterOp op) {
  switch (op) {
    case FilterOp::kEqual:
      return " = ?";
    case FilterOp::kNotEqual:
      return " <> ?";
    case FilterOp::kLess:
      return " < ?";
    case FilterOp::kLessEqual:
      return " <= ?";
    case FilterOp::kGreater:
      return " > ?";
    case FilterOp::kGreaterEqual:
      return " >= ?";
    case FilterOp::kContains:
    case FilterOp::kPresent:
      break;
  }
  return "";
}

// A job's state is derived: it has runs in this state, and none in those that
// go before. The last state needs none.
std::string StateIs(JobState state) {
  std::string condition = "(";
  for (const RunState each : kJobStateOrder) {
    const bool is_last = each == *std::rbegin(kJobStateOrder);
    const bool is_wanted = static_cast<int>(each) == static_cast<int>(state);
    if (is_last && is_wanted) break;
    if (condition.size() > 1) condition += " AND ";
    condition += "j.n_";
    condition += FactsOf(each).word;
    condition += is_wanted ? " > 0" : " = 0";
    if (is_wanted) break;
  }
  return condition + ")";
}

class SqlWriter {
 public:
  void Write(const FilterExpr& filter) {
    if (filter.kind == Kind::kTerm) return WriteTerm(filter.term);
    if (filter.kind == Kind::kNot) {
      Put("NOT ");
      return Write(filter.children[0]);
    }
    if (filter.children.empty()) return Put("1");
    std::string_view joint = "(";
    for (const FilterExpr& child : filter.children) {
      Put(joint);
      Write(child);
      joint = filter.kind == Kind::kAnd ? " AND " : " OR ";
    }
    Put(")");
  }

  FilterSql Take() { return std::move(sql_); }

 private:
  void WriteTerm(const FilterTerm& term) {
    switch (term.field) {
      case FilterField::kId:
        return WriteNumber("j.id", term);
      case FilterField::kQueue:
        return WriteText("j.queue", term);
      case FilterField::kKind:
        return WriteText("j.kind", term);
      case FilterField::kState:
        return WriteState(term);
      case FilterField::kPriority:
        return WriteNumber("j.priority", term);
      case FilterField::kOwner:
        return WriteText("ifnull(j.owner, '')", term);
      case FilterField::kRequestId:
        return WriteText("ifnull(j.request_id, '')", term);
      case FilterField::kCreateTime:
        return WriteTime("j.create_time", term);
      case FilterField::kRunTime:
        return WriteTime("j.run_time", term);
      case FilterField::kEndTime:
        return WriteTime("j.end_time", term);
      case FilterField::kLabel:
        return WriteLabel(term);
    }
  }

  void WriteNumber(std::string_view column, const FilterTerm& term) {
    Put("(");
    Put(column);
    Put(SignOf(term.op));
    Put(")");
    Bind(term);
  }

  void WriteText(std::string_view text, const FilterTerm& term) {
    if (term.op == FilterOp::kPresent) {
      Put("(");
      Put(text);
      return Put(" <> '')");
    }
    if (term.op != FilterOp::kContains) return WriteNumber(text, term);
    Put("(instr(");
    Put(text);
    Put(", ?) > 0)");
    Bind(term);
  }

  // A missing time is NULL, which must not spread: NOT NULL is not true.
  void WriteTime(std::string_view column, const FilterTerm& term) {
    Put("(");
    Put(column);
    if (term.op == FilterOp::kPresent) return Put(" IS NOT NULL)");
    if (term.op == FilterOp::kNotEqual) {
      Put(" IS NOT ?)");
    } else {
      Put(" IS NOT NULL AND ");
      Put(column);
      Put(SignOf(term.op));
      Put(")");
    }
    Bind(term);
  }

  void WriteState(const FilterTerm& term) {
    if (term.op == FilterOp::kNotEqual) Put("NOT ");
    Put(StateIs(static_cast<JobState>(std::get<int64_t>(term.value))));
  }

  void WriteLabel(const FilterTerm& term) {
    if (term.op == FilterOp::kNotEqual) Put("NOT ");
    Put("EXISTS (SELECT 1 FROM json_each(j.labels) AS l WHERE l.key = ?");
    sql_.values.emplace_back(term.label);
    if (term.op == FilterOp::kContains) {
      Put(" AND instr(l.value, ?) > 0");
    } else if (term.op != FilterOp::kPresent) {
      Put(" AND l.value = ?");
    }
    Put(")");
    if (term.op != FilterOp::kPresent) Bind(term);
  }

  void Put(std::string_view text) { sql_.condition += text; }
  void Bind(const FilterTerm& term) { sql_.values.push_back(term.value); }

  FilterSql sql_;
};

}  // namespace

FilterSql ToSql(const FilterExpr& filter) {
  SqlWriter writer;
  writer.Write(filter);
  return writer.Take();
}

}  // namespace sheaf
