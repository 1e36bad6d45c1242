// The commands against a server in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/support/errors.h"
#include "tests/cli/wire_fixture.h"

namespace sheaf::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(WireTest, SubmitPrintsTheJobAndTheNextCommand) {
  const RunResult result =
      Cli({"job", "submit", "--prompt", "[a, b]", "-o", "name"});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_EQ(result.out, "jobs/42\n");
  EXPECT_THAT(result.err, HasSubstr("sheaf job watch 42"));
  EXPECT_EQ(server_.last_submit().job().shared().prompt(), "[a, b]");
  EXPECT_EQ(server_.last_submit().job().queue(), "queues/default");
  EXPECT_FALSE(server_.last_submit().request_id().empty());
  EXPECT_THAT(Cli({"job", "submit", "--prompt", "a", "-q"}).err, IsEmpty());
}

TEST_F(WireTest, RepeatedPromptsAreRunsAsTheyWereWritten) {
  Cli({"job", "submit", "--prompt", "-x", "--prompt", "a,b", "--prompt",
       "[c]"});
  std::vector<std::string> prompts;
  const v1::SubmitJobRequest submit = server_.last_submit();
  for (const auto& run : submit.job().runs()) {
    prompts.push_back(run.prompt());
  }
  EXPECT_THAT(prompts, ElementsAre("-x", "a,b", "[c]"));
}

TEST_F(WireTest, PicturesAreUploadedOnceAndNamed) {
  const std::string picture = std::string("\x89PNG\r\n\x1a\n") + "pixels";
  const std::string path = Write("in.png", picture);
  const RunResult result =
      Cli({"job", "submit", "--prompt", "a", "--init-image", path, "--control",
           "depth:0.5:" + path + ":0.1:0.9"});
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  const std::string name = server_.PutArtifact(picture);
  EXPECT_EQ(server_.last_submit().job().shared().init_image(), name);
  EXPECT_EQ(server_.last_submit().job().shared().controls(0).image(), name);
  EXPECT_THAT(server_.uploads(), ElementsAre(picture));
}

TEST_F(WireTest, FileThatIsNoPictureIsNeverUploaded) {
  const std::string path = Write("id_rsa", "secret");
  const std::string prompts =
      Write("p.jsonl", "{\"prompt\": \"a\", \"initImage\": \"" + path + "\"}");
  const RunResult result = Cli({"job", "submit", "--file", prompts});
  EXPECT_EQ(result.exit, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("PNG, JPEG or WebP"));
  EXPECT_THAT(server_.uploads(), IsEmpty());
}

TEST_F(WireTest, WaitExitsEightWhenTheJobFailed) {
  Cli({"job", "submit", "--prompt", "a"});
  EXPECT_EQ(Cli({"job", "wait", "42"}).exit, kExitOk);
  server_.SetOutcome(v1::JOB_STATE_FAILED);
  const RunResult failed = Cli({"job", "wait", "42"});
  EXPECT_EQ(failed.exit, kExitJobFailed);
  EXPECT_THAT(failed.err, HasSubstr("sheaf job get 42"));
}

TEST_F(WireTest, WaitForNoLongerThanToldExitsSix) {
  Cli({"job", "submit", "--prompt", "a"});
  const RunResult result = Cli({"job", "wait", "42", "--for", "10ms"});
  EXPECT_EQ(result.exit, kExitUnavailable);
  EXPECT_THAT(result.err, HasSubstr("has not ended yet"));
}

TEST_F(WireTest, SubmitAndWaitFollowsAcrossALostConnection) {
  server_.SetOutcome(v1::JOB_STATE_FAILED);
  const RunResult result = Cli({"job", "submit", "--prompt", "a", "--wait"});
  EXPECT_EQ(result.exit, kExitJobFailed);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("The connection was lost"),
                    HasSubstr("jobs/42: 1/1 runs ended, 0% succeeded"),
                    Not(HasSubstr("["))));
  EXPECT_THAT(result.out, HasSubstr("STATE"));
}

TEST_F(WireTest, WatchPrintsEventsAndDrawsABarOnATerminalOnly) {
  Cli({"job", "submit", "--prompt", "a"});
  const RunResult bar = Cli({"job", "watch", "42"}, {.terminal = true});
  EXPECT_EQ(bar.exit, kExitOk) << bar.err;
  EXPECT_THAT(bar.out, AllOf(HasSubstr("8  runs_started  jobs/42"),
                             HasSubstr("jobs/42 ended succeeded")));
  EXPECT_THAT(bar.err, HasSubstr("[----"));
}

TEST_F(WireTest, WatchTellsStepsAndMemoryAndGetTheShareThatSucceeded) {
  Cli({"job", "submit", "--prompt", "a"});
  EXPECT_THAT(Cli({"job", "get", "42"}).out, Not(HasSubstr("SUCCESS")));
  EXPECT_THAT(
      Cli({"job", "watch", "42"}).out,
      HasSubstr("jobs/42/runs/0  step 1/2; its batch: 1 running, 5.0 MiB\n"));
  EXPECT_THAT(Cli({"job", "get", "42"}).out,
              testing::ContainsRegex("SUCCESS:? +100%"));
}

TEST_F(WireTest, ListGoesThroughThePages) {
  EXPECT_EQ(Cli({"job", "list", "--limit", "0", "-o", "name"}).out,
            "jobs/0\njobs/1\njobs/2\njobs/3\njobs/4\n");
  const RunResult some = Cli({"job", "list", "--limit", "3", "-o", "name"});
  EXPECT_EQ(some.out, "jobs/0\njobs/1\njobs/2\n");
  EXPECT_THAT(some.err, HasSubstr("There are more"));
}

TEST_F(WireTest, MissingJobExitsThreeWithItsReason) {
  const RunResult result = Cli({"job", "get", "7"});
  EXPECT_EQ(result.exit, kExitNotFound);
  EXPECT_THAT(result.err, HasSubstr("there is no jobs/7 (JOB_NOT_FOUND)"));
  EXPECT_EQ(Cli({"job", "get", "7", "-o", "json"}).err,
            R"({"exitCode":3,"code":"NOT_FOUND","message":"there is no )"
            R"(jobs/7","reason":"JOB_NOT_FOUND"})"
            "\n");
}

TEST_F(WireTest, ServerThatIsBackInAMomentIsNoError) {
  Cli({"job", "submit", "--prompt", "a"});
  server_.FailGetJob(3);
  EXPECT_EQ(Cli({"job", "get", "42"}).exit, kExitOk);
  EXPECT_EQ(server_.get_job_calls(), 4);
}

TEST_F(WireTest, UnavailableServerIsAskedFourTimesAndNoMore) {
  server_.FailGetJob(100);
  EXPECT_EQ(Cli({"job", "get", "42"}).exit, kExitUnavailable);
  EXPECT_EQ(server_.get_job_calls(), 4);
}

TEST_F(WireTest, CancelByFilterCountsFirstAndAsks) {
  EXPECT_EQ(Cli({"job", "cancel", "--filter", "state = QUEUED"}).exit,
            kExitUsage);
  EXPECT_TRUE(server_.last_cancel().validate_only());
  const RunResult asked = Cli({"job", "cancel", "--filter", "state = QUEUED"},
                              {.terminal = true, .input = "yes\n"});
  EXPECT_THAT(asked.err, HasSubstr("Cancel 3 jobs"));
  EXPECT_EQ(asked.exit, kExitOk);
  EXPECT_FALSE(server_.last_cancel().validate_only());
}

TEST_F(WireTest, PurgeSaysWhatIsAtStake) {
  const RunResult result = Cli({"queue", "purge", "default"});
  EXPECT_EQ(result.exit, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("Cancel all 12 waiting runs"));
  EXPECT_EQ(Cli({"queue", "purge", "default", "--dry-run"}).exit, kExitOk);
}

TEST_F(WireTest, QueueSetSendsOnlyWhatWasGiven) {
  Cli({"queue", "set", "default", "--batch-size", "8", "--keep-failed",
       "forever"});
  const auto update = server_.last_queue_update();
  EXPECT_THAT(update.update_mask().paths(),
              ElementsAre("batch_size", "keep_failed"));
  EXPECT_EQ(update.settings().batch_size(), 8);
  EXPECT_TRUE(update.settings().has_keep_failed());
}

TEST_F(WireTest, DownloadWritesOutputsInsideItsDirectoryOnly) {
  v1::Output good;
  good.set_name("image");
  good.set_media_type("image/png");
  good.set_artifact(server_.PutArtifact("pixels"));
  v1::Output evil = good;
  evil.set_name("../../evil");
  server_.SetOutputs({good, evil, good});
  const std::string out = directory_ + "/out";
  const std::vector<std::string> get = {"job", "get", "42", "--download", out};
  const RunResult result = Cli(get);
  ASSERT_EQ(result.exit, kExitOk) << result.err;
  EXPECT_EQ(BytesOf(out + "/run-0-image.png"), "pixels");
  EXPECT_EQ(BytesOf(out + "/run-0-output.png"), "pixels");
  EXPECT_EQ(BytesOf(out + "/2-run-0-image.png"), "pixels");
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/evil.png"));
  EXPECT_EQ(Cli(get).exit, kExitOk) << "the same bytes again are fine";
}

TEST_F(WireTest, DownloadReplacesOtherFilesOnlyByForceAndNeverFollowsLinks) {
  v1::Output output;
  output.set_name("image");
  output.set_media_type("image/png");
  output.set_artifact(server_.PutArtifact("pixels"));
  server_.SetOutputs({output});
  const std::string victim = Write("victim", "precious");
  const std::string out = directory_ + "/out";
  std::filesystem::create_directory(out);
  std::filesystem::create_symlink(victim, out + "/run-0-image.png");
  EXPECT_EQ(Cli({"job", "get", "42", "--download", out}).exit, kExitConflict);
  EXPECT_EQ(Cli({"job", "get", "42", "--download", out, "--force"}).exit,
            kExitOk);
  EXPECT_EQ(BytesOf(victim), "precious");
  EXPECT_EQ(BytesOf(out + "/run-0-image.png"), "pixels");
}

TEST_F(WireTest, WrongBytesNeverGetTheirName) {
  const std::string name = server_.PutArtifact("pixels");
  server_.CorruptArtifacts();
  const std::string path = directory_ + "/a.png";
  const RunResult result = Cli({"artifact", "get", name, "-O", path});
  EXPECT_EQ(result.exit, kExitInternal);
  EXPECT_THAT(result.err, HasSubstr("bytes that do not match its name"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(WireTest, LabelsAreMergedUnderTheEtag) {
  Cli({"job", "submit", "--prompt", "a"});
  const RunResult result =
      Cli({"job", "update", "42", "--label", "a=b", "--priority", "high"});
  EXPECT_EQ(result.exit, kExitOk) << result.err;
  const auto update = server_.last_job_update();
  EXPECT_THAT(update.update_mask().paths(), ElementsAre("priority", "labels"));
  EXPECT_EQ(update.job().labels().at("a"), "b");
}

TEST_F(WireTest, TokenTravelsWithTheCall) {
  const std::string path = Write("token", "sheaf_1_secret\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  Cli({"job", "submit", "--prompt", "a", "--token-file", path});
  EXPECT_EQ(server_.last_authorization(), "Bearer sheaf_1_secret");
}

TEST_F(WireTest, DoctorNamesEachProblemWithItsRemedy) {
  const RunResult result = Cli({"doctor"});
  EXPECT_EQ(result.exit, kExitInternal);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("ok  health: serving"),
                    HasSubstr("problem  store: the server cannot write"),
                    HasSubstr("problem  workers: no worker takes work"),
                    HasSubstr("queues/default is paused (cleaning)"),
                    HasSubstr("-> sheaf queue resume queues/default")));
}

TEST_F(WireTest, LiveNamesAreCompleted) {
  EXPECT_EQ(Cli({"__complete", "queues"}).out, "default\n");
  EXPECT_EQ(Cli({"__complete", "jobs"}).out, "0\n1\n");
}

}  // namespace
}  // namespace sheaf::cli
