#include "server/process/part_options.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

TEST(PartOptionsTest, AFileThatIsCheckedBesideTheWorkDoesNotHoldTheStart) {
  ServerConfig config;
  config.boot_check = "sync";
  const SqliteStore::Options sync = StoreOptionsOf(config);
  config.boot_check = "background";
  const SqliteStore::Options background = StoreOptionsOf(config);
  EXPECT_GT(sync.boot_check_bytes_max, background.boot_check_bytes_max);
  EXPECT_TRUE(background.background_check);
  config.boot_check = "off";
  EXPECT_FALSE(StoreOptionsOf(config).background_check);
}

TEST(PartOptionsTest, OwnersHaveTheWeightsOfTheConfiguration) {
  ServerConfig config;
  config.fair_weights = {"ann:2", "bob:0.5"};
  const auto options = TurnOptionsOf(config);
  ASSERT_TRUE(options.ok()) << options.status();
  config.fair_weights = {"ann"};
  EXPECT_EQ(TurnOptionsOf(config).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sheaf::server
