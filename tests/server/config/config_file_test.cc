#include "server/config/config_file.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFileTest() { path_ = directory_ + "/sheafd.toml"; }

  absl::StatusOr<RawValues> Read(const std::string& text) {
    std::ofstream(path_) << text;
    return ReadConfigFile(path_);
  }
  std::string ErrorOf(const std::string& text) {
    const auto values = Read(text);
    EXPECT_EQ(values.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(values.status().message());
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  std::string path_;
};

TEST_F(ConfigFileTest, AValueRemembersItsLine) {
  const auto values =
      Read("log_json = true\n\nlisten = [\"127.0.0.1:1\", \"unix:/a\"]\n");
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(values->at("log_json").texts, ElementsAre("true"));
  EXPECT_THAT(values->at("listen").texts,
              ElementsAre("127.0.0.1:1", "unix:/a"));
  EXPECT_THAT(values->at("listen").origin, HasSubstr(path_ + ":3"));
}

TEST_F(ConfigFileTest, AFaultNamesTheFileAndTheLine) {
  EXPECT_THAT(ErrorOf("log_json = true\nlog_jsn = true\n"),
              AllOf(HasSubstr(path_ + ":2"), HasSubstr("'log_json'")));
  EXPECT_THAT(ErrorOf("log_json = \n"), HasSubstr(path_ + ":1"));
}

TEST_F(ConfigFileTest, AFileThatIsNotThereIsNotFound) {
  EXPECT_EQ(ReadConfigFile(path_ + ".none").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sheaf::server
