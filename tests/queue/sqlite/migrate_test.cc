#include "queue/sqlite/migrate.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/sha256.h"
#include "gmock/gmock.h"
#include "queue/error.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;

// A next version, as a later program would bring it.
constexpr std::string_view kNext =
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT) STRICT;\n"
    "ALTER TABLE jobs ADD COLUMN note TEXT;\n";

std::vector<Migration> WithNext(std::string_view next = kNext) {
  std::vector<Migration> all(Migrations().begin(), Migrations().end());
  all.push_back({"9999_next", next});
  return all;
}

class MigrateTest : public StoreTest {
 protected:
  // Brings the test's database to the last of `migrations`.
  absl::Status To(std::span<const Migration> migrations) {
    Connection db(database(), Connection::Use::kWrite, "");
    return Migrate(db, database(), migrations, absl::UnixEpoch());
  }
  void Change(const std::string& sql) {
    SQLite::Database db(database(), SQLite::OPEN_READWRITE);
    db.exec(sql);
  }
  absl::Status Reopened() { return SqliteStore::Open(MakeOptions()).status(); }
  int Head() { return static_cast<int>(Migrations().size()); }
};

TEST_F(MigrateTest, AFreshDatabaseRecordsItsMigrations) {
  Open();
  Close();
  EXPECT_EQ(Ask("PRAGMA user_version"), std::to_string(Head()));
  EXPECT_EQ(Ask("PRAGMA application_id"), "1397245254");
  EXPECT_EQ(Ask("SELECT sha256 FROM schema_migrations WHERE id = 1"),
            Sha256Hex(Migrations()[0].sql));
  EXPECT_EQ(Ask("SELECT name FROM schema_migrations WHERE id = 1"),
            "0001_init");
}

TEST_F(MigrateTest, ANewerSchemaIsRefusedUntouched) {
  Open();
  Submit();
  Close();
  ASSERT_TRUE(To(WithNext()).ok());
  EXPECT_EQ(ReasonOf(Reopened()), Reason::kSchemaNewer);
  EXPECT_EQ(Ask("SELECT count(*) FROM jobs"), "1");
}

TEST_F(MigrateTest, AnUpgradedDatabaseIsWhatAFreshOneWouldBe) {
  Open();
  Submit();
  Close();
  ASSERT_TRUE(To(WithNext()).ok());
  TempFolder other;
  const std::string fresh_path = DatabasePath(other.path());
  Connection fresh(fresh_path, Connection::Use::kWrite, "");
  ASSERT_TRUE(Migrate(fresh, fresh_path, WithNext(), absl::UnixEpoch()).ok());
  SQLite::Database upgraded(database(), SQLite::OPEN_READONLY);
  EXPECT_EQ(SchemaText(upgraded.getHandle()), SchemaText(fresh.handle()));
  // Migrating again changes nothing.
  EXPECT_TRUE(To(WithNext()).ok());
}

TEST_F(MigrateTest, ACopyIsKeptOfWhatIsAboutToBeMigrated) {
  Open();
  Submit();
  Close();
  ASSERT_TRUE(To(WithNext()).ok());
  const std::string copy = database() + ".v" + std::to_string(Head()) + ".bak";
  SQLite::Database db(copy, SQLite::OPEN_READONLY);
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM jobs").getInt(), 1);
  EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), Head());
}

TEST_F(MigrateTest, AMigrationThatFailsLeavesTheDatabaseAsItWas) {
  Open();
  Submit();
  Close();
  EXPECT_FALSE(
      To(WithNext("CREATE TABLE notes (id INTEGER) STRICT; SELECT nonsense;"))
          .ok());
  EXPECT_EQ(Ask("SELECT count(*) FROM sqlite_schema WHERE name = 'notes'"),
            "0");
  EXPECT_TRUE(Reopened().ok());
}

TEST_F(MigrateTest, AChangedMigrationIsRefused) {
  Open();
  Close();
  Change("UPDATE schema_migrations SET sha256 = 'other' WHERE id = 1");
  EXPECT_EQ(ReasonOf(Reopened()), Reason::kSchemaAltered);
}

TEST_F(MigrateTest, ASchemaChangedByHandIsRefused) {
  for (const char* change :
       {"DROP INDEX runs_ready", "CREATE TABLE mine (x)",
        "ALTER TABLE jobs ADD COLUMN mine TEXT",
        "CREATE TRIGGER t AFTER INSERT ON jobs BEGIN SELECT 1; END"}) {
    std::filesystem::remove(database());
    Open();
    Close();
    Change(change);
    EXPECT_EQ(ReasonOf(Reopened()), Reason::kSchemaAltered) << change;
  }
}

TEST_F(MigrateTest, StatisticsOfTheOptimizerAreNoAlteration) {
  Open();
  Submit();
  Close();
  Change("ANALYZE");
  EXPECT_TRUE(Reopened().ok());
}

TEST_F(MigrateTest, AnotherProgramsDatabaseIsRefusedUntouched) {
  {
    SQLite::Database db(database(),
                        SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("CREATE TABLE theirs (x)");
  }
  const absl::Status status = Reopened();
  EXPECT_EQ(ReasonOf(status), Reason::kSchemaAltered);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not one of Sheaf's"));
  EXPECT_EQ(Ask("SELECT name FROM sqlite_schema"), "theirs");
}

TEST_F(MigrateTest, AFileThatIsNoDatabaseIsRefused) {
  { std::ofstream(database()) << std::string(8192, 'x'); }
  EXPECT_EQ(ReasonOf(Reopened()), Reason::kStoreCorrupt);
}

TEST_F(MigrateTest, ADamagedDatabaseIsRefusedAtBoot) {
  Open();
  for (int i = 0; i < 5; ++i) Submit(200);
  Close();
  {
    std::fstream file(database(),
                      std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 20; page < 40; ++page) {
      file.seekp(page * 4096 + 8);
      for (int i = 0; i < 100; ++i) file.put('x');
    }
  }
  EXPECT_EQ(ReasonOf(Reopened()), Reason::kStoreCorrupt);
}

TEST_F(MigrateTest, ALargeDamagedDatabaseStopsWritingOnceThatIsFound) {
  Open();
  for (int i = 0; i < 5; ++i) Submit(200);
  Close();
  // Damage pages of the runs themselves, which opening does not need.
  const std::string pages =
      Ask("SELECT group_concat(pageno) FROM dbstat WHERE name = 'runs' AND "
          "pagetype = 'leaf'");
  {
    std::fstream file(database(),
                      std::ios::in | std::ios::out | std::ios::binary);
    for (const absl::string_view page : absl::StrSplit(pages, ',')) {
      int number = 0;
      ASSERT_TRUE(absl::SimpleAtoi(page, &number)) << pages;
      file.seekp((number - 1) * 4096 + 8);
      for (int i = 0; i < 100; ++i) file.put('x');
    }
  }
  auto options = MakeOptions();
  options.boot_check_bytes_max = 0;
  Open(options);
  while (store_->Health().boot_check == "running") {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_THAT(store_->Health().boot_check, HasSubstr("failed: "));
  EXPECT_FALSE(store_->Health().writable);
  EXPECT_EQ(ReasonOf(Write([](Tx&) { return absl::OkStatus(); })),
            Reason::kStoreCorrupt);
  EXPECT_TRUE(Read([](View&) { return absl::OkStatus(); }).ok());
}

TEST_F(MigrateTest, TheCheckOfALargeDatabaseCanBeTurnedOff) {
  Open();
  Close();
  auto options = MakeOptions();
  options.boot_check_bytes_max = 0;
  options.background_check = false;
  Open(options);
  EXPECT_EQ(store_->Health().boot_check, "off");
  EXPECT_TRUE(store_->Health().writable);
}

// A server of the second version left two owners' jobs in one lane.
TEST_F(MigrateTest, RunsMoveToTheLanesOfTheirOwners) {
  ASSERT_TRUE(To(Migrations().first(2)).ok());
  Change(
      "INSERT INTO lanes VALUES (5, 'default', 'inference', 'm', '', 64, 64);"
      "UPDATE counters SET value = 5 WHERE name = 'lane'");
  const auto add = [&](int64_t job, const std::string& owner, int state) {
    const std::string id = std::to_string(job);
    Change("INSERT INTO jobs VALUES (" + id + ", 'default', 'inference', 2, '" +
           owner + "', '{}', NULL, '', 1, 3, " +
           (state == 1 ? "1, 0, 0" : "0, 0, 1") +
           ", 0, 0, 1, 1, NULL, NULL, NULL, NULL, 1)");
    Change("INSERT INTO runs VALUES (" + id + " << 17, 5, " +
           std::to_string(state) +
           ", 2, 1, NULL, 3, 0, 0, 0, 0, 0, NULL, 0, "
           "NULL, NULL, " +
           (state == 1 ? "NULL" : "9") + ", NULL, NULL)");
  };
  add(1, "ann", 1);
  add(2, "bob", 1);
  add(3, "ann", 3);
  add(4, "cid", 3);
  ASSERT_TRUE(To(Migrations()).ok());
  EXPECT_EQ(Ask("SELECT group_concat(owner || queued || running) FROM "
                "(SELECT * FROM lanes JOIN owners ON owner = name "
                "ORDER BY owner)"),
            "ann10,bob10");
  EXPECT_EQ(Ask("SELECT group_concat(owner) FROM (SELECT owner FROM runs JOIN "
                "lanes ON lanes.id = lane WHERE model = 'm' ORDER BY runs.id)"),
            "ann,bob,ann,cid");
  EXPECT_EQ(Ask("SELECT value FROM counters WHERE name = 'lane'"), "5");
  Open();
  LaneId lane;
  ASSERT_TRUE(Write([&](Tx& tx) {
                lane = tx.LaneFor({.queue = "default", .owner = "new"});
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(lane, LaneId{6});
}

}  // namespace
}  // namespace sheaf
