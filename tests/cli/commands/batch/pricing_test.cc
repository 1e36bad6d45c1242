// `sheaf batch profile`, against a server in this process.
#include <gmock/gmock.h>

#include "batching/pricing/profile.h"
#include "cli/support/errors.h"
#include "tests/cli/fake_batching.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::HasSubstr;

class PricingTest : public WireTest {
 protected:
  PricingTest() {
    v1::BatchProfile answer;
    for (const int width : {512, 1024}) {
      batching::Profile profile;
      profile.name = "measured";
      profile.step = {.h = width / 2.0, .a = 1, .b = width / 8.0};
      v1::MeasuredProfile* measured = answer.add_measured();
      measured->set_device("cuda:0");
      measured->set_model("sdxl");
      measured->set_width(width);
      measured->set_height(512);
      measured->set_json(batching::Encode({{profile.name, profile}}));
    }
    server_.batching().SetProfile(answer);
  }
};

TEST_F(PricingTest, MeasuredProfilesAreAFileThatSimulateReads) {
  const std::string path = directory_ + "/measured.json";
  const RunResult written = Cli({"batch", "profile", "--measured", "-O", path});
  EXPECT_EQ(written.exit, kExitOk) << written.err;
  EXPECT_THAT(written.err, HasSubstr("--profile " + path));
  const auto profiles = batching::ParseProfiles(BytesOf(path));
  ASSERT_TRUE(profiles.ok()) << profiles.status();
  ASSERT_EQ(profiles->size(), 2u);
  EXPECT_EQ(profiles->at("cuda:0/sdxl/1024x512").step.h, 512);
  const RunResult simulated =
      RunCli({"batch", "simulate",
              SHEAF_SOURCE_DIR "/tests/golden/batching/runs.csv", "--profile",
              path, "--device", "cuda:0/sdxl/512x512", "--policy", "best"});
  EXPECT_EQ(simulated.exit, kExitOk) << simulated.err;
  EXPECT_THAT(simulated.out, HasSubstr("cuda:0/sdxl/512x512"));
  EXPECT_EQ(Cli({"batch", "profile", "--measured", "-O", path}).exit,
            kExitConflict);
  EXPECT_EQ(Cli({"batch", "profile", "--measured"}).out, BytesOf(path));
}

TEST_F(PricingTest, WithoutAMeasurementTheWayToOneIsSaid) {
  server_.batching().SetProfile({});
  const RunResult result = Cli({"batch", "profile", "--measured"});
  EXPECT_EQ(result.exit, kExitNotFound);
  EXPECT_THAT(result.err, HasSubstr("sheaf worker measure"));
}

TEST_F(PricingTest, AFileNeedsMeasured) {
  EXPECT_EQ(Cli({"batch", "profile", "-O", "x"}).exit, kExitUsage);
}

}  // namespace
}  // namespace sheaf::cli
