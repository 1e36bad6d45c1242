#include "server/process/server_key.h"

#include <sys/stat.h>

#include <fstream>

#include "gtest/gtest.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

TEST(ServerKeyTest, IsMadeOnceAndForItsUserAlone) {
  const TempFolder kept;
  const std::string& folder = kept.path();
  const auto made = LoadServerKey(folder);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->size(), 32u);
  struct stat info;
  ASSERT_EQ(stat((folder + "/server.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(*LoadServerKey(folder), *made);
  // A key that a crash cut short is replaced by a new one.
  std::ofstream(folder + "/server.key") << "short";
  const auto again = LoadServerKey(folder);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->size(), 32u);
  EXPECT_NE(*again, *made);
  EXPECT_FALSE(LoadServerKey(folder + "/nowhere").ok());
}

}  // namespace
}  // namespace sheaf::server
