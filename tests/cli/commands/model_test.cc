// `sheaf models`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/support/errors.h"
#include "tests/cli/fake_server.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ModelsTest : public testing::Test {
 protected:
  RunResult Models(const std::string& format) {
    return RunCli({"models", "-o", format, "--server", server_.address()});
  }

  FakeServer server_;
};

TEST_F(ModelsTest, TheTableShowsDefaultsAndWhatGoesTogether) {
  const RunResult result = Models("table");
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(ContainsRegex(
                "shapes +true +64 +64 .*one_by_one +edge, ?seg.*workers/3"),
            HasSubstr("unknown"), Not(HasSubstr("Euler a"))));
  EXPECT_THAT(result.err, HasSubstr("5 more models are left out"));
}

TEST_F(ModelsTest, TheWideTableAlsoListsSamplers) {
  EXPECT_THAT(Models("wide").out, HasSubstr("Samplers: Euler a"));
}

TEST_F(ModelsTest, JsonIsTheWholeAnswer) {
  const auto json = Json::Parse(Models("json").out);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->Find("models")->array()->size(), 2u);
  EXPECT_EQ(*json->Find("samplers")->array()->at(0).text(), "Euler a");
}

TEST_F(ModelsTest, NamesAreTheModels) {
  EXPECT_EQ(Models("name").out, "shapes\nunknown\n");
}

}  // namespace
}  // namespace sheaf::cli
