// Hints for work that no worker takes.
#include <gmock/gmock.h>

#include "cli/support/errors.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class HintsTest : public WireTest {
 protected:
  void ConnectShapes() {
    v1::Worker worker;
    worker.set_name("workers/3");
    worker.set_state(v1::WORKER_STATE_IDLE);
    worker.add_kinds("inference");
    worker.add_models("shapes");
    server_.SetWorkers({worker});
  }
};

TEST_F(HintsTest, ASubmitThatNobodyTakesSaysWhatIsMissing) {
  ConnectShapes();
  const RunResult typo =
      Cli({"job", "submit", "--prompt", "a", "--model", "shape"});
  EXPECT_EQ(typo.exit, kExitOk) << typo.err;
  EXPECT_THAT(typo.err, AllOf(HasSubstr("Hint: no connected worker has the "
                                        "model 'shape', did you mean 'shapes'"),
                              HasSubstr("sheaf-worker --server 127.0.0.1:")));
  EXPECT_THAT(Cli({"job", "submit", "--prompt", "a", "--kind", "upscale"}).err,
              HasSubstr("does jobs of the kind 'upscale'; offered: inference"));
  EXPECT_THAT(
      Cli({"job", "submit", "--prompt", "a", "--kind", "upscale", "--dry-run"})
          .err,
      HasSubstr("'upscale'"));
}

TEST_F(HintsTest, AWorkerThatTakesItGetsNoHint) {
  ConnectShapes();
  EXPECT_THAT(Cli({"job", "submit", "--prompt", "a", "--model", "shapes"}).err,
              Not(HasSubstr("Hint")));
}

TEST_F(HintsTest, WithoutAWorkerTheWayToStartOneIsSaid) {
  const RunResult result = Cli({"job", "submit", "--prompt", "a"});
  EXPECT_THAT(result.err, AllOf(HasSubstr("no worker that takes work is "
                                          "connected"),
                                HasSubstr("To start one: sheaf-worker")));
  EXPECT_THAT(Cli({"job", "submit", "--prompt", "a", "--wait"}).err,
              HasSubstr("Hint: "));
}

TEST_F(HintsTest, ProgramsAndTheQuietGetNoHint) {
  for (const char* format : {"json", "jsonl", "name"}) {
    EXPECT_THAT(Cli({"job", "submit", "--prompt", "a", "-o", format}).err,
                Not(HasSubstr("Hint")))
        << format;
  }
  EXPECT_EQ(Cli({"job", "submit", "--prompt", "a", "-q"}).err, "");
}

TEST_F(HintsTest, GetOfAWaitingJobAndTheDoctorSayItToo) {
  ConnectShapes();
  Cli({"job", "submit", "--prompt", "a"});
  v1::Run run;
  run.set_name("jobs/42/runs/0");
  run.set_state(v1::RUN_STATE_QUEUED);
  run.mutable_request()->set_model("shape");
  server_.SetRuns({run});
  EXPECT_THAT(Cli({"job", "get", "42"}).err,
              HasSubstr("did you mean 'shapes'?"));
  server_.SetJobs({"jobs/42"});
  EXPECT_THAT(Cli({"doctor"}).out,
              AllOf(HasSubstr("problem  jobs: jobs/42 waits: no connected "
                              "worker has the model 'shape'"),
                    HasSubstr("sheaf job cancel 42")));
  run.mutable_request()->set_model("shapes");
  server_.SetRuns({run});
  EXPECT_THAT(Cli({"job", "get", "42"}).err, Not(HasSubstr("Hint")));
  EXPECT_THAT(Cli({"doctor"}).out,
              HasSubstr("ok  jobs: a worker takes each that waits"));
}

}  // namespace
}  // namespace sheaf::cli
