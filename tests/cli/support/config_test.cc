#include "cli/support/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sheaf::cli {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    directory_ = testing::TempDir() + "/sheaf_config_" +
                 std::to_string(getpid()) + "." +
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(directory_);
    sources_.user_file = directory_ + "/user.toml";
    sources_.system_file = directory_ + "/system.toml";
    sources_.environment =
        [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
  }
  ~ConfigTest() override { std::filesystem::remove_all(directory_); }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  SettingValue Server() { return ResolveSettings(sources_)->at("server"); }
  std::string Error() {
    return std::string(ResolveSettings(sources_).status().message());
  }

  std::string directory_;
  std::map<std::string, std::string> variables_;
  ConfigSources sources_;
};

TEST_F(ConfigTest, FlagWinsOverEnvironmentOverUserOverSystemOverDefault) {
  EXPECT_EQ(Server().value, "127.0.0.1:7420");
  EXPECT_EQ(Server().origin, "default");
  Write(sources_.system_file, "server = \"system:1\"\n");
  EXPECT_EQ(Server().value, "system:1");
  EXPECT_EQ(Server().origin, sources_.system_file);
  Write(sources_.user_file, "server = \"user:1\"\n");
  EXPECT_EQ(Server().value, "user:1");
  EXPECT_EQ(Server().origin, sources_.user_file);
  variables_["SHEAF_SERVER"] = "environment:1";
  EXPECT_EQ(Server().value, "environment:1");
  EXPECT_EQ(Server().origin, "SHEAF_SERVER");
  sources_.flags["server"] = "flag:1";
  EXPECT_EQ(Server().value, "flag:1");
  EXPECT_EQ(Server().origin, "flag --server");
}

TEST_F(ConfigTest, EmptyVariableCountsAsUnset) {
  variables_["SHEAF_SERVER"] = "";
  EXPECT_EQ(Server().origin, "default");
}

TEST_F(ConfigTest, UnknownKeyIsAnErrorWithFileLineAndSuggestion) {
  Write(sources_.user_file, "# mine\nsevrer = \"x\"\n");
  EXPECT_EQ(Error(), sources_.user_file +
                         ":2: unknown key 'sevrer', did you mean 'server'?");
}

TEST_F(ConfigTest, BrokenTomlAndOtherTypesAreErrorsWithTheLine) {
  Write(sources_.system_file, "server = \n");
  EXPECT_THAT(Error(), HasSubstr("system.toml:1: "));
  Write(sources_.system_file, "\ntimeout = 10\n");
  EXPECT_THAT(Error(), HasSubstr("system.toml:2: 'timeout' must be a string"));
}

TEST_F(ConfigTest, ValueThatIsNoChoiceIsAnErrorThatNamesItsOrigin) {
  variables_["SHEAF_OUTPUT"] = "jsom";
  EXPECT_THAT(Error(), HasSubstr("output (SHEAF_OUTPUT) must be one of"));
  EXPECT_THAT(Error(), HasSubstr("did you mean 'json'?"));
}

TEST_F(ConfigTest, UserFileFollowsXdgAndIgnoresRelativePaths) {
  variables_ = {{"HOME", "/home/a"}};
  EXPECT_EQ(UserConfigFile(sources_.environment),
            "/home/a/.config/sheaf/config.toml");
  variables_["XDG_CONFIG_HOME"] = "relative";
  EXPECT_EQ(UserConfigFile(sources_.environment),
            "/home/a/.config/sheaf/config.toml");
  variables_["XDG_CONFIG_HOME"] = "/xdg";
  EXPECT_EQ(UserConfigFile(sources_.environment), "/xdg/sheaf/config.toml");
  variables_.clear();
  EXPECT_EQ(UserConfigFile(sources_.environment), "");
}

}  // namespace
}  // namespace sheaf::cli
