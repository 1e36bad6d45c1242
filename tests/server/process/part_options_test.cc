#include "server/process/part_options.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

TEST(PartOptionsTest, OwnersHaveTheWeightsOfTheConfiguration) {
  ServerConfig config;
  config.fair_weights = {"ann:2", "bob:0.5"};
  const auto options = PlannerOptionsOf(config);
  ASSERT_TRUE(options.ok()) << options.status();
  config.fair_weights = {"ann"};
  EXPECT_EQ(PlannerOptionsOf(config).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sheaf::server
