// `sheaf worker`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/support/errors.h"
#include "tests/cli/fake_server.h"
#include "tests/cli/run_cli.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(WorkerTest, AWorkerIsToldToMeasureByTheVerbsNewNameAndByItsOldOne) {
  FakeServer server;
  for (const char* verb : {"measure", "calibrate"}) {
    const RunResult result =
        RunCli({"worker", verb, "3", "--server", server.address()});
    ASSERT_EQ(result.exit, kExitOk) << verb << ": " << result.err;
    EXPECT_THAT(result.out, HasSubstr("workers/3")) << verb;
    EXPECT_THAT(result.err, HasSubstr("It measures its models")) << verb;
  }
  EXPECT_THAT(server.measured_workers(), ElementsAre("workers/3", "workers/3"));
}

TEST(WorkerTest, OnlyTheNewNameIsShown) {
  EXPECT_THAT(RunCli({"worker", "--help"}).out,
              AllOf(HasSubstr("measure"), Not(HasSubstr("calibrate"))));
}

}  // namespace
}  // namespace sheaf::cli
