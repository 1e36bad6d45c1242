// How SQLite would run each statement of the store, and whether the schema
// agrees with the domain's tables.
#include "queue/sqlite/statements.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queue_settings.h"
#include "queue/run_state.h"
#include "queue/sqlite/migrate.h"
#include "queue/sqlite/writer.h"

namespace sheaf {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// The schema alone, in memory.
SQLite::Database Schema() {
  SQLite::Database db(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  for (const Migration& migration : Migrations()) {
    db.exec(std::string(migration.sql));
  }
  return db;
}

std::vector<std::string> PlanOf(SQLite::Database& db, const std::string& sql) {
  std::vector<std::string> lines;
  SQLite::Statement plan(db, "EXPLAIN QUERY PLAN " + sql);
  while (plan.executeStep()) {
    lines.push_back(plan.getColumn(3).getString());
  }
  return lines;
}

bool Scans(const std::string& line, const std::string& table) {
  return line == "SCAN " + table || line.rfind("SCAN " + table + " ", 0) == 0;
}

// Statements that may read a whole table, and why.
const std::set<std::string>& MayScan() {
  static const std::set<std::string> statements = {
      // Only operators ask for it (GetServerInfo).
      sql::kCountJobs,
      // Read one row from an end of the table.
      sql::kLastEvent,
      sql::kFirstEvent,
  };
  return statements;
}

TEST(StatementsTest, NoStatementScansATableThatGrows) {
  SQLite::Database db = Schema();
  for (const char* sql : sql::kAll) {
    if (MayScan().contains(sql)) continue;
    for (const std::string& line : PlanOf(db, sql)) {
      for (const char* table : {"jobs", "runs", "events", "attempts",
                                "job_params", "run_params", "artifact_refs"}) {
        EXPECT_FALSE(Scans(line, table)) << sql << "\n  " << line;
      }
      EXPECT_EQ(line.find("AUTOMATIC"), line.npos) << sql << "\n  " << line;
    }
  }
}

TEST(StatementsTest, NoHotStatementSorts) {
  SQLite::Database db = Schema();
  for (const char* sql : sql::kAll) {
    // Only few leases are under way.
    if (sql == std::string(sql::kBatches)) continue;
    // It runs once a day, on a reader.
    if (sql == std::string(sql::kUnreferencedArtifacts)) continue;
    for (const std::string& line : PlanOf(db, sql)) {
      EXPECT_EQ(line.find("TEMP B-TREE"), line.npos) << sql << "\n  " << line;
    }
  }
}

TEST(StatementsTest, WaitingRunsAreFoundByTheReadyIndex) {
  SQLite::Database db = Schema();
  for (const char* sql : {sql::kReady, sql::kReadyWith, sql::kReadyLanes,
                          sql::kCountReadyBefore}) {
    for (const std::string& line : PlanOf(db, sql)) {
      if (line.find("runs") == line.npos) continue;
      EXPECT_THAT(line, HasSubstr("INDEX runs_ready (lane")) << sql;
    }
  }
}

TEST(StatementsTest, FilteredJobsAreReadInOrderFromTheKeyOn) {
  SQLite::Database db = Schema();
  for (const char* end : {sql::kJobsAscending, sql::kJobsDescending}) {
    const auto plan = PlanOf(db, std::string(sql::kJobsPrefix) + "1" + end);
    ASSERT_EQ(plan.size(), 1u);
    EXPECT_THAT(plan[0], HasSubstr("SEARCH j USING INTEGER PRIMARY KEY"));
  }
}

TEST(StatementsTest, NoHotStatementBuildsATable) {
  SQLite::Database db = Schema();
  db.exec("PRAGMA foreign_keys = ON");
  for (const char* sql :
       {sql::kFindJob, sql::kAddJob, sql::kJobProgress, sql::kSaveJobProgress,
        sql::kFindRun, sql::kReady, sql::kAddRun, sql::kSaveRun, sql::kAddEvent,
        sql::kAddReference, sql::kSaveBatch}) {
    SQLite::Statement program(db, std::string("EXPLAIN ") + sql);
    while (program.executeStep()) {
      EXPECT_NE(program.getColumn(1).getString(), "OpenEphemeral") << sql;
    }
  }
}

std::string Number(RunState state) {
  return std::to_string(static_cast<int>(state));
}

// The names in `columns`, one after the other.
std::string Listed(const std::vector<std::string>& columns) {
  std::string list;
  for (const std::string& column : columns) {
    list += (list.empty() ? "" : ", ") + column;
  }
  return list;
}

TEST(StatementsTest, EverySettingOfAQueueHasItsColumn) {
  std::vector<std::string> columns;
  ForEachQueueSetting(
      [&](const auto& setting) { columns.emplace_back(setting.name); });
  for (const char* sql : {sql::kQueues, sql::kFindQueue, sql::kSaveQueue}) {
    EXPECT_THAT(sql, HasSubstr("plan, " + Listed(columns)));
  }
  // 13 columns go before those of the settings.
  EXPECT_THAT(sql::kSaveQueue,
              EndsWith("?" + std::to_string(13 + columns.size()) + ")"));
  SQLite::Database db = Schema();
  for (const std::string& column : columns) {
    EXPECT_EQ(db.execAndGet("SELECT count(*) FROM pragma_table_info('queues') "
                            "WHERE name = '" +
                            column + "'")
                  .getInt(),
              1)
        << column;
  }
}

TEST(StatementsTest, EveryStateOfARunIsCountedInItsColumn) {
  std::vector<std::string> columns;
  for (const RunStateFacts& facts : kRunStates) {
    columns.push_back("n_" + std::string(facts.word));
  }
  for (const char* sql :
       {sql::kFindJob, sql::kJobsPrefix, sql::kAddJob, sql::kJobProgress}) {
    EXPECT_THAT(sql, HasSubstr(Listed(columns)));
  }
  int place = 1;
  for (std::string& column : columns) {
    column += " = ?" + std::to_string(++place);
  }
  EXPECT_THAT(sql::kSaveJobProgress, HasSubstr(Listed(columns)));
}

// The schema's checks are ranges, so the states must be numbered such that
// ranges can say it: without gaps, the final ones last.
TEST(StatementsTest, TheSchemaKnowsTheStatesThatTheDomainKnows) {
  int finals = 0;
  const int states = static_cast<int>(std::size(kRunStates));
  for (int i = 0; i < states; ++i) {
    ASSERT_EQ(static_cast<int>(kRunStates[i].state), i + 1);
    finals += kRunStates[i].final ? 1 : 0;
    EXPECT_EQ(kRunStates[i].final, finals > 0);
  }
  SQLite::Database db = Schema();
  const std::string runs =
      db.execAndGet("SELECT sql FROM sqlite_schema WHERE name = 'runs'")
          .getString();
  EXPECT_THAT(runs, HasSubstr("CHECK (state BETWEEN 1 AND " +
                              std::to_string(states) + ")"));
  EXPECT_THAT(
      runs, HasSubstr("CHECK (state < " + std::to_string(states - finals + 1) +
                      " OR end_time IS NOT NULL)"));
  EXPECT_THAT(runs, HasSubstr("CHECK (state <> " + Number(RunState::kRunning) +
                              " OR batch IS NOT NULL)"));
  for (const char* index : {"runs_ready", "runs_deadline"}) {
    EXPECT_THAT(db.execAndGet("SELECT sql FROM sqlite_schema WHERE name = '" +
                              std::string(index) + "'")
                    .getString(),
                HasSubstr("WHERE state = " + Number(RunState::kQueued)));
  }
}

TEST(StatementsTest, EveryTableIsStrict) {
  SQLite::Database db = Schema();
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM pragma_table_list WHERE "
                          "schema = 'main' AND name NOT LIKE 'sqlite%' "
                          "AND NOT strict")
                .getInt(),
            0);
}

}  // namespace
}  // namespace sheaf
