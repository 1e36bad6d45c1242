#include "server/config/device_profile.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;

class DeviceProfileTest : public ::testing::Test {
 protected:
  DeviceProfileTest() {
    // Two builds may be tested at once.
    path_ = ::testing::TempDir() + "/profiles." + std::to_string(getpid()) +
            "." +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ~DeviceProfileTest() override { std::filesystem::remove(path_); }

  void Write(const std::string& text) { std::ofstream(path_) << text; }
  static std::string JsonOf(const std::vector<std::string>& names) {
    std::map<std::string, batching::Profile> profiles;
    for (const std::string& name : names) {
      profiles[name] = UnmeasuredProfile();
      profiles[name].name = name;
    }
    return batching::Encode(profiles);
  }

  std::string path_;
};

TEST_F(DeviceProfileTest, UnmeasuredNeedsNoFileAndSaysSo) {
  const auto profile = LoadDeviceProfile("unmeasured");
  ASSERT_TRUE(profile.ok());
  EXPECT_THAT(profile->name, HasSubstr("unmeasured"));
}

TEST_F(DeviceProfileTest, AFileOfOneProfileNeedsNoName) {
  Write(JsonOf({"l4"}));
  const auto profile = LoadDeviceProfile(path_);
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->name, "l4");
}

TEST_F(DeviceProfileTest, OfSeveralOneIsNamed) {
  Write(JsonOf({"l4", "h200"}));
  EXPECT_EQ(LoadDeviceProfile(path_ + ":h200")->name, "h200");
  EXPECT_THAT(std::string(LoadDeviceProfile(path_).status().message()),
              HasSubstr("holds 2 profiles; say which: FILE:NAME"));
  EXPECT_THAT(std::string(LoadDeviceProfile(path_ + ":h20").status().message()),
              HasSubstr("no profile 'h20'"));
}

TEST_F(DeviceProfileTest, AFileThatIsNoneIsNamed) {
  EXPECT_THAT(std::string(LoadDeviceProfile(path_).status().message()),
              HasSubstr(path_ + ": cannot be read"));
  Write("{");
  EXPECT_TRUE(absl::IsInvalidArgument(LoadDeviceProfile(path_).status()));
}

}  // namespace
}  // namespace sheaf::server
