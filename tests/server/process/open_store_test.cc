#include "server/process/open_store.h"

#include <filesystem>

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

class OpenStoreTest : public testing::Test {
 protected:
  OpenStoreTest() {
    char name[] = "/tmp/sheaf-open-XXXXXX";
    config_.data_dir = mkdtemp(name);
  }
  ~OpenStoreTest() override { std::filesystem::remove_all(config_.data_dir); }

  absl::StatusOr<std::unique_ptr<DurableStore>> Open() {
    return OpenStore(config_,
                     {.clock = [this] { return now_; },
                      .observer = [this](const Committed&) { ++commits_; },
                      .log = [](const std::string&) {},
                      .on_distrust = [](const std::string&) {}});
  }

  ServerConfig config_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::atomic<int> commits_ = 0;
};

TEST_F(OpenStoreTest, TheStoreGoesByTheServersClockAndTellsOfItsCommits) {
  {
    const auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->Info().engine, "sqlite");
    EXPECT_TRUE((*store)->Health().writable);
    absl::Time now;
    EXPECT_TRUE(WriteAndWait(**store, [&](Tx& tx) {
                  now = tx.now();
                  tx.AppendEvent({.type = EventType::kWorkerJoined});
                  return absl::OkStatus();
                }).ok());
    EXPECT_EQ(now, now_);
    const auto second = Open();
    EXPECT_EQ(ReasonOf(second.status()), Reason::kDatabaseLocked);
  }
  EXPECT_EQ(commits_, 1);
}

TEST_F(OpenStoreTest, TheConfigurationSaysHowTheDatabaseIsCheckedAtBoot) {
  for (const auto& [said, done] :
       {std::pair("auto", "ok"), {"sync", "ok"}, {"off", "off"}}) {
    config_.boot_check = said;
    const auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->Health().boot_check, done) << said;
  }
}

TEST_F(OpenStoreTest, ABackupGetsNoNameOfAFileThatStandsBesideADatabase) {
  const auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->CheckBackupName("monday.db").ok());
  EXPECT_EQ(ReasonOf((*store)->CheckBackupName("monday.db-wal")),
            Reason::kInvalidField);
}

}  // namespace
}  // namespace sheaf::server
