#include "cli/commands/job/submit_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/support/flag_values.h"

namespace sheaf::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

TEST(SubmitTest, OnePromptIsSharedAndSeveralAreRuns) {
  v1::SubmitJobRequest request;
  ASSERT_TRUE(ApplySubmitFlags({.prompts = {"a"}}, kNow, &request).ok());
  EXPECT_EQ(request.job().shared().prompt(), "a");
  EXPECT_EQ(request.job().runs_size(), 0);
  request.Clear();
  ASSERT_TRUE(ApplySubmitFlags({.prompts = {"a", "b"}}, kNow, &request).ok());
  EXPECT_EQ(request.job().runs_size(), 2);
  EXPECT_EQ(request.job().runs(1).prompt(), "b");
}

TEST(SubmitTest, EveryFlagFindsItsField) {
  SubmitFlags flags;
  flags.fields = {{"seed", "7"}, {"size", "512x768"}, {"sampler", "euler"},
                  {"vae", ""},   {"control", "pose"}, {"lora", "ink:0.5"}};
  flags.weights = {"depth=0.5"};
  flags.extra = {"k=v=w"};
  flags.queue = "fast";
  flags.kind = "upscale";
  flags.priority = "urgent";
  flags.owner = "ada";
  flags.labels = {"team=art"};
  flags.run_at = "+5m";
  flags.start_deadline = "+1h";
  flags.attempts = "5";
  flags.sweeps = {"seed=1..2", "guidance=5,7"};
  flags.zip = true;
  flags.request_id = "r-1";
  flags.dry_run = true;
  v1::SubmitJobRequest request;
  const absl::Status status = ApplySubmitFlags(flags, kNow, &request);
  ASSERT_TRUE(status.ok()) << status;
  const v1::JobSpec& job = request.job();
  EXPECT_EQ(job.shared().seed(), 7);
  EXPECT_EQ(job.shared().height(), 768);
  EXPECT_EQ(job.shared().sampler(), "euler");
  EXPECT_FALSE(job.shared().has_vae());
  EXPECT_EQ(job.shared().controls(0).type(), "pose");
  EXPECT_EQ(job.shared().loras(0).weight(), 0.5);
  EXPECT_EQ(job.shared().weights().at("depth"), 0.5);
  EXPECT_EQ(job.shared().extra().at("k"), "v=w");
  EXPECT_EQ(job.queue(), "queues/fast");
  EXPECT_EQ(job.kind(), "upscale");
  EXPECT_EQ(job.priority(), v1::PRIORITY_URGENT);
  EXPECT_EQ(job.owner(), "ada");
  EXPECT_EQ(job.labels().at("team"), "art");
  EXPECT_EQ(FromProto(job.run_time()), kNow + absl::Minutes(5));
  EXPECT_EQ(FromProto(job.start_deadline()), kNow + absl::Hours(1));
  EXPECT_EQ(job.attempts_max(), 5);
  EXPECT_EQ(job.sweep().axes_size(), 2);
  EXPECT_EQ(job.sweep().mode(), v1::Sweep::MODE_ZIP);
  EXPECT_EQ(request.request_id(), "r-1");
  EXPECT_TRUE(request.validate_only());
}

std::vector<int64_t> SeedsOf(const v1::JobSpec& job) {
  std::vector<int64_t> seeds;
  for (const v1::RunRequest& run : job.runs()) seeds.push_back(run.seed());
  return seeds;
}

TEST(SubmitTest, ACountMakesRunsWithSeedsThatCountUp) {
  v1::SubmitJobRequest request;
  SubmitFlags flags = {.prompts = {"a"}, .fields = {{"seed", "7"}}};
  flags.count = "3";
  ASSERT_TRUE(ApplySubmitFlags(flags, kNow, &request).ok());
  EXPECT_EQ(request.job().shared().prompt(), "a");
  EXPECT_THAT(SeedsOf(request.job()), ElementsAre(7, 8, 9));
}

TEST(SubmitTest, ACountRepeatsEachPromptAndRunsMayHaveSeedsOfTheirOwn) {
  v1::SubmitJobRequest request;
  request.mutable_job()->add_runs()->set_seed(40);
  SubmitFlags flags = {.prompts = {"a", "b"}, .fields = {{"seed", "7"}}};
  flags.count = "2";
  ASSERT_TRUE(ApplySubmitFlags(flags, kNow, &request).ok());
  EXPECT_THAT(SeedsOf(request.job()), ElementsAre(40, 41, 7, 8, 7, 8));
  EXPECT_EQ(request.job().runs(3).prompt(), "a");
  EXPECT_EQ(request.job().runs(4).prompt(), "b");
}

TEST(SubmitTest, ASeedThatWasNotGivenFollowsFromTheRequestId) {
  const auto seeds = [](const char* id) {
    v1::SubmitJobRequest request;
    SubmitFlags flags = {.prompts = {"a"}, .request_id = id};
    flags.count = "2";
    EXPECT_TRUE(ApplySubmitFlags(flags, kNow, &request).ok());
    return SeedsOf(request.job());
  };
  const std::vector<int64_t> first = seeds("r-1");
  EXPECT_THAT(first, ElementsAre(first[0], first[0] + 1));
  EXPECT_EQ(seeds("r-1"), first);
  EXPECT_NE(seeds("r-2"), first);
}

TEST(SubmitTest, ACountThatCannotBeIsRefused) {
  for (const char* count : {"0", "-1", "x", "1.5", "100001"}) {
    v1::SubmitJobRequest request;
    SubmitFlags flags = {.prompts = {"a"}};
    flags.count = count;
    EXPECT_FALSE(ApplySubmitFlags(flags, kNow, &request).ok()) << count;
  }
  v1::SubmitJobRequest request;
  SubmitFlags flags = {.prompts = {"a", "b"}};
  flags.count = "50001";
  EXPECT_THAT(ApplySubmitFlags(flags, kNow, &request).message(),
              HasSubstr("more than 100000 runs"));
  flags.count = "2";
  flags.fields = {{"seed", "9223372036854775807"}};
  EXPECT_THAT(ApplySubmitFlags(flags, kNow, &request).message(),
              HasSubstr("too large"));
  flags.fields = {};
  flags.sweeps = {"seed=1..2"};
  EXPECT_THAT(ApplySubmitFlags(flags, kNow, &request).message(),
              HasSubstr("exclude each other"));
}

TEST(SubmitTest, JsonMayBeAJobOrARequestAndFlagsGoOnTop) {
  auto request =
      ParseSubmitJson(R"({"queue": "queues/a", "shared": {"steps": 20}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->job().shared().steps(), 20);
  ASSERT_TRUE(ApplySubmitFlags({.queue = "b"}, kNow, &*request).ok());
  EXPECT_EQ(request->job().queue(), "queues/b");
  request = ParseSubmitJson(R"({"requestId": "x", "job": {"kind": "k"}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->request_id(), "x");
  EXPECT_EQ(request->job().kind(), "k");
  EXPECT_THAT(std::string(ParseSubmitJson(R"({"jbo": {}})").status().message()),
              HasSubstr("jbo"));
  EXPECT_FALSE(ParseSubmitJson("[1]").ok());
}

TEST(SubmitTest, RequestIdsAreUuidsAndDiffer) {
  EXPECT_THAT(NewRequestId(),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]"
                           "{3}-[0-9a-f]{12}"));
  EXPECT_NE(NewRequestId(), NewRequestId());
}

}  // namespace
}  // namespace sheaf::cli
