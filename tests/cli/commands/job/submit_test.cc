// `sheaf job submit` as one command for a whole list of pictures.
#include <gmock/gmock.h>

#include "cli/support/errors.h"
#include "tests/cli/fake_queues.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SubmitToFolderTest : public WireTest {
 protected:
  SubmitToFolderTest() : out_(directory_ + "/out") {
    v1::Output output;
    output.set_name("image");
    output.set_media_type("image/png");
    output.set_artifact(server_.PutArtifact("pixels"));
    server_.SetOutputs({output});
  }

  RunResult Submit(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"job", "submit", "--prompt", "a"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Cli(arguments);
  }

  std::string out_;
};

TEST_F(SubmitToFolderTest, ADirectoryMeansToWaitAndToDownload) {
  const RunResult result = Submit({"--output-dir", out_});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_EQ(BytesOf(out_ + "/run-0-image.png"), "pixels");
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("sheaf job get 42 --download " + out_),
                    HasSubstr("jobs/42: 1/1 runs ended"),
                    HasSubstr("1 picture of jobs/42 in " + out_)));
  EXPECT_THAT(result.out, HasSubstr("STATE"));
}

TEST_F(SubmitToFolderTest, AFailedJobStillGivesThePicturesThatItHas) {
  server_.SetOutcome(v1::JOB_STATE_FAILED);
  EXPECT_EQ(Submit({"--output-dir", out_}).exit, kExitJobFailed);
  EXPECT_EQ(BytesOf(out_ + "/run-0-image.png"), "pixels");
}

TEST_F(SubmitToFolderTest, PicturesOfAnotherJobStayUnlessForced) {
  std::filesystem::create_directory(out_);
  Write("out/run-0-image.png", "old");
  const RunResult refused = Submit({"--output-dir", out_});
  EXPECT_EQ(refused.exit, kExitConflict);
  EXPECT_THAT(refused.err, HasSubstr("holds pictures already"));
  EXPECT_FALSE(server_.last_submit().has_job()) << "nothing was submitted";
  EXPECT_EQ(Submit({"--output-dir", out_, "--force"}).exit, kExitOk);
  EXPECT_EQ(BytesOf(out_ + "/run-0-image.png"), "pixels");
  EXPECT_EQ(Submit({"--output-dir", out_, "--request-id", "r-1"}).exit, kExitOk)
      << "the same again goes on";
}

TEST_F(SubmitToFolderTest, ADryRunMakesNoDirectoryAndSetsNothing) {
  server_.queues().SetBatchSize(8);
  Submit({"--output-dir", out_, "--batch-size", "4", "--dry-run"});
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_FALSE(server_.last_queue_update().has_settings());
}

TEST_F(SubmitToFolderTest, TheBatchSizeIsSetWhereItDiffersAndNobodyIsThere) {
  server_.queues().SetBatchSize(4);
  EXPECT_THAT(Submit({"--batch-size", "4"}).err,
              Not(HasSubstr("Set the batch size")));
  EXPECT_FALSE(server_.last_queue_update().has_settings());
  server_.queues().SetBatchSize(8);
  EXPECT_THAT(Submit({"--batch-size", "4"}).err,
              AllOf(HasSubstr("Set the batch size of queues/default to 4"),
                    HasSubstr("sheaf queue set default --batch-size 8")));
  const auto update = server_.last_queue_update();
  EXPECT_EQ(update.settings().batch_size(), 4);
  EXPECT_THAT(update.update_mask().paths(), ElementsAre("batch_size"));
}

TEST_F(SubmitToFolderTest, TheBatchSizeOfOthersRunsStaysAsItIs) {
  server_.queues().SetBatchSize(8);
  server_.queues().SetQueuedRuns(3);
  const RunResult result = Submit({"--batch-size", "4"});
  EXPECT_EQ(result.exit, kExitConflict);
  EXPECT_THAT(result.err, HasSubstr("sheaf queue set default --batch-size 4"));
  EXPECT_FALSE(server_.last_queue_update().has_settings());
  EXPECT_FALSE(server_.last_submit().has_job());
}

TEST_F(SubmitToFolderTest, MistakesAreNamed) {
  EXPECT_THAT(Submit({"--batch-size", "none"}).err,
              HasSubstr("must be 1 or more"));
  EXPECT_THAT(Submit({"--force"}).err, HasSubstr("needs --output-dir"));
}

}  // namespace
}  // namespace sheaf::cli
