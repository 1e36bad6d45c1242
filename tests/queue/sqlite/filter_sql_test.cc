#include "queue/sqlite/filter_sql.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/types.h"

namespace sheaf {
namespace {

TEST(FilterSqlTest, UserTextIsBoundNeverWritten) {
  const auto filter = ParseFilter(
      "owner = \"'; DROP TABLE jobs; --\" AND labels.\"'\\\"$\" : \"') OR 1\"");
  ASSERT_TRUE(filter.ok());
  const FilterSql sql = ToSql(*filter);
  EXPECT_EQ(sql.condition.find("DROP"), std::string::npos);
  EXPECT_EQ(sql.condition.find("OR 1"), std::string::npos);
  EXPECT_EQ(sql.condition.find('"'), std::string::npos);
  EXPECT_EQ(sql.values.size(), 3u);
}

TEST(FilterSqlTest, EmptyFilterIsTrue) {
  EXPECT_EQ(ToSql(FilterExpr{}).condition, "1");
  EXPECT_TRUE(ToSql(FilterExpr{}).values.empty());
}

// A job as the table has it and as the filter sees it.
struct Row {
  JobFacts facts;
  std::map<std::string, std::string> labels;
  RunCounts counts;
};

JobState StateByCounts(const RunCounts& counts) {
  if (counts.running > 0) return JobState::kRunning;
  if (counts.queued > 0) return JobState::kQueued;
  if (counts.failed > 0) return JobState::kFailed;
  if (counts.cancelled > 0) return JobState::kCancelled;
  return JobState::kSucceeded;
}

// Draws from few values, so that filters and jobs meet.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  int Below(int n) { return std::uniform_int_distribution(0, n - 1)(random_); }
  std::string Text() {
    constexpr const char* kTexts[] = {"",   "a",   "ab",  "b",   "A",
                                      "'",  "\"",  "%",   "_",   "\xc3\xa9",
                                      "a'", "\\n", "x;y", "-- ", "ab\n"};
    return kTexts[Below(std::size(kTexts))];
  }
  std::string Key() {
    constexpr const char* kKeys[] = {"team", "a.b", "$", "\"", "'", "[0]"};
    return kKeys[Below(std::size(kKeys))];
  }
  int64_t Milliseconds() { return 1000 + Below(5); }

  Row MakeRow(int64_t id) {
    Row row;
    row.facts.id = id;
    row.facts.queue = Text();
    row.facts.kind = Text();
    row.facts.owner = Text();
    row.facts.request_id = Text();
    row.facts.priority = 1 + Below(4);
    row.facts.create_time = absl::FromUnixMillis(Milliseconds());
    row.facts.run_time = absl::FromUnixMillis(Milliseconds());
    if (Below(2)) row.facts.end_time = absl::FromUnixMillis(Milliseconds());
    for (int i = Below(3); i > 0; --i) row.labels[Key()] = Text();
    row.counts = {Below(2), Below(2), Below(2), Below(2), Below(2)};
    row.facts.state = static_cast<int>(StateByCounts(row.counts));
    return row;
  }

  FilterExpr MakeFilter(int depth) {
    FilterExpr filter;
    const int choice = depth == 0 ? 0 : Below(4);
    if (choice == 0) {
      filter.kind = FilterExpr::Kind::kTerm;
      filter.term = MakeTerm();
      return filter;
    }
    constexpr FilterExpr::Kind kKinds[] = {
        FilterExpr::Kind::kNot, FilterExpr::Kind::kAnd, FilterExpr::Kind::kOr};
    filter.kind = kKinds[choice - 1];
    const int children = choice == 1 ? 1 : 2 + Below(2);
    for (int i = 0; i < children; ++i) {
      filter.children.push_back(MakeFilter(depth - 1));
    }
    return filter;
  }

 private:
  // Makes only terms that the parser can make.
  FilterTerm MakeTerm() {
    using enum FilterOp;
    constexpr FilterOp kTextOps[] = {kEqual, kNotEqual, kContains, kPresent};
    constexpr FilterOp kNumberOps[] = {kEqual,     kNotEqual, kLess,
                                       kLessEqual, kGreater,  kGreaterEqual,
                                       kPresent};
    FilterTerm term;
    term.field = static_cast<FilterField>(Below(11));
    switch (term.field) {
      case FilterField::kState:
        term.op = kTextOps[Below(2)];
        term.value = int64_t{1 + Below(5)};
        break;
      case FilterField::kId:
      case FilterField::kPriority:
        term.op = kNumberOps[Below(6)];
        term.value = int64_t{1 + Below(4)};
        break;
      case FilterField::kCreateTime:
      case FilterField::kRunTime:
      case FilterField::kEndTime:
        term.op = kNumberOps[Below(7)];
        term.value = term.op == kPresent ? int64_t{0} : Milliseconds();
        break;
      default:
        term.op = kTextOps[Below(4)];
        if (term.op != kPresent) term.value = Text();
        if (term.field == FilterField::kLabel) term.label = Key();
    }
    return term;
  }

  std::mt19937 random_;
};

// JSON of a map of short texts.
std::string ToJson(const std::map<std::string, std::string>& labels) {
  const auto quote = [](const std::string& text) {
    std::string quoted = "\"";
    for (char c : text) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return quoted + "\"";
  };
  std::string json = "{";
  for (const auto& [key, value] : labels) {
    if (json.size() > 1) json += ",";
    json += quote(key) + ":" + quote(value);
  }
  return json + "}";
}

class Database {
 public:
  Database() : db_(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {
    db_.exec(
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, queue TEXT, kind TEXT, "
        "owner TEXT, request_id TEXT, priority INTEGER, create_time INTEGER, "
        "run_time INTEGER, end_time INTEGER, labels TEXT, n_queued INTEGER, "
        "n_running INTEGER, n_succeeded INTEGER, n_failed INTEGER, "
        "n_cancelled INTEGER) STRICT");
  }

  void Insert(const Row& row) {
    SQLite::Statement insert(
        db_,
        "INSERT INTO jobs VALUES (?,?,?,?,nullif(?,''),?,?,?,?,?,?,?,?,?,?)");
    const JobFacts& facts = row.facts;
    int at = 0;
    insert.bind(++at, facts.id);
    insert.bind(++at, facts.queue);
    insert.bind(++at, facts.kind);
    insert.bind(++at, facts.owner);
    insert.bind(++at, facts.request_id);
    insert.bind(++at, facts.priority);
    insert.bind(++at, absl::ToUnixMillis(facts.create_time));
    insert.bind(++at, absl::ToUnixMillis(facts.run_time));
    ++at;
    if (facts.end_time != absl::InfiniteFuture()) {
      insert.bind(at, absl::ToUnixMillis(facts.end_time));
    }
    insert.bind(++at, ToJson(row.labels));
    insert.bind(++at, row.counts.queued);
    insert.bind(++at, row.counts.running);
    insert.bind(++at, row.counts.succeeded);
    insert.bind(++at, row.counts.failed);
    insert.bind(++at, row.counts.cancelled);
    insert.exec();
  }

  std::vector<int64_t> Select(const FilterSql& sql) {
    SQLite::Statement select(db_, "SELECT j.id FROM jobs AS j WHERE " +
                                      sql.condition + " ORDER BY j.id");
    int at = 0;
    for (const auto& value : sql.values) {
      ++at;
      std::visit([&](const auto& bound) { select.bind(at, bound); }, value);
    }
    std::vector<int64_t> ids;
    while (select.executeStep()) ids.push_back(select.getColumn(0));
    return ids;
  }

 private:
  SQLite::Database db_;
};

TEST(FilterSqlTest, SelectsWhatMatchesOnRandomFiltersAndJobs) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Dice dice(seed);
  Database database;
  std::vector<Row> rows;
  for (int64_t id = 0; id < 200; ++id) {
    rows.push_back(dice.MakeRow(id));
    database.Insert(rows.back());
  }
  for (Row& row : rows) row.facts.labels = &row.labels;
  int hits = 0;
  for (int i = 0; i < 2000; ++i) {
    const FilterExpr filter = dice.MakeFilter(3);
    std::vector<int64_t> expected;
    for (const Row& row : rows) {
      if (Matches(filter, row.facts)) expected.push_back(row.facts.id);
    }
    hits += expected.size();
    const FilterSql sql = ToSql(filter);
    ASSERT_EQ(database.Select(sql), expected) << PrintFilter(filter) << "\n"
                                              << sql.condition;
    const auto again = ParseFilter(PrintFilter(filter));
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    ASSERT_EQ(*again, filter) << PrintFilter(filter);
  }
  EXPECT_GT(hits, 0);
}

TEST(FilterSqlTest, LargestFilterIsOneStatementThatSqliteTakes) {
  std::string text = "labels.k = v";
  for (int i = 1; i < kFilterTermsMax; ++i) text += " OR labels.k = v";
  const auto filter = ParseFilter(text);
  ASSERT_TRUE(filter.ok());
  EXPECT_TRUE(Database().Select(ToSql(*filter)).empty());
}

}  // namespace
}  // namespace sheaf
