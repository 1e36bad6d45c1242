#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/submit.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// All runs that the sweep makes of `bases`.
absl::StatusOr<std::vector<RunParams>> Expand(
    const Sweep& sweep, const std::vector<RunParams>& bases) {
  const auto count =
      CountCombinations(sweep, static_cast<int64_t>(bases.size()));
  if (!count.ok()) return count.status();
  std::vector<RunParams> runs;
  for (const RunParams& base : bases) {
    for (int64_t i = 0; i < *count; ++i) {
      runs.push_back(Merge(base, Combination(sweep, i, *count)));
    }
  }
  return runs;
}

std::vector<RunParams> Seeds(const std::vector<int64_t>& seeds) {
  std::vector<RunParams> axis;
  for (int64_t seed : seeds) axis.push_back({.seed = seed});
  return axis;
}
std::vector<RunParams> Steps(const std::vector<int64_t>& steps) {
  std::vector<RunParams> axis;
  for (int64_t n : steps) axis.push_back({.steps = n});
  return axis;
}

// "seed/steps" of each run.
std::vector<std::string> Texts(const std::vector<RunParams>& runs) {
  std::vector<std::string> texts;
  for (const RunParams& run : runs) {
    texts.push_back(std::to_string(run.seed.value_or(-1)) + "/" +
                    std::to_string(run.steps.value_or(-1)));
  }
  return texts;
}

TEST(SweepTest, ProductMakesEveryCombinationLastAxisFastest) {
  const auto runs =
      Expand({.axes = {Seeds({1, 2}), Steps({10, 20, 30})}}, {RunParams()});
  ASSERT_TRUE(runs.ok());
  EXPECT_THAT(Texts(*runs),
              ElementsAre("1/10", "1/20", "1/30", "2/10", "2/20", "2/30"));
}

TEST(SweepTest, ZipGoesSideBySide) {
  const auto runs = Expand(
      {.zip = true, .axes = {Seeds({1, 2}), Steps({10, 20})}}, {RunParams()});
  ASSERT_TRUE(runs.ok());
  EXPECT_THAT(Texts(*runs), ElementsAre("1/10", "2/20"));
}

TEST(SweepTest, AxesAreLaidOverEachBase) {
  const auto runs = Expand({.axes = {Seeds({1, 2})}},
                           {{.seed = 9, .steps = 10}, {.steps = 20}});
  ASSERT_TRUE(runs.ok());
  EXPECT_THAT(Texts(*runs), ElementsAre("1/10", "2/10", "1/20", "2/20"));
}

TEST(SweepTest, LaterAxisOverridesAnEarlierOne) {
  const auto runs =
      Expand({.axes = {Seeds({1}), Seeds({2, 3})}}, {RunParams()});
  ASSERT_TRUE(runs.ok());
  EXPECT_THAT(Texts(*runs), ElementsAre("2/-1", "3/-1"));
}

TEST(SweepTest, WithoutAxesTheRunsStayAsTheyAre) {
  for (bool zip : {false, true}) {
    const auto runs = Expand({.zip = zip}, {{.seed = 1}, {.seed = 2}});
    ASSERT_TRUE(runs.ok());
    EXPECT_THAT(Texts(*runs), ElementsAre("1/-1", "2/-1"));
  }
}

TEST(SweepTest, ZippedAxesOfDifferentLengthsAreRefused) {
  const auto runs = Expand({.zip = true, .axes = {Seeds({1, 2}), Steps({10})}},
                           {RunParams()});
  EXPECT_EQ(ReasonOf(runs.status()), Reason::kSweepMismatch);
  EXPECT_EQ(ViolationsOf(runs.status())[0].field, "job.sweep.axes[1]");
}

TEST(SweepTest, EmptyAxisIsRefused) {
  for (bool zip : {false, true}) {
    const auto runs =
        Expand({.zip = zip, .axes = {Seeds({1}), {}}}, {RunParams()});
    EXPECT_EQ(ReasonOf(runs.status()), Reason::kSweepMismatch);
  }
}

TEST(SweepTest, AsManyRunsAsAJobMayHaveAreMade) {
  const std::vector<RunParams> hundred(100), thousand(1000);
  const auto runs = Expand({.axes = {hundred, thousand}}, {RunParams()});
  ASSERT_TRUE(runs.ok());
  EXPECT_EQ(static_cast<int>(runs->size()), kRunsPerJobMax);
}

TEST(SweepTest, MoreRunsThanThatAreRefusedBeforeAnyIsMade) {
  const std::vector<RunParams> thousand(1000);
  EXPECT_EQ(
      ReasonOf(Expand({.axes = {thousand, thousand}}, {RunParams()}).status()),
      Reason::kTooManyRuns);
  // 1000^8 wraps around 64 bits.
  const Sweep wide{.axes = std::vector(8, thousand)};
  EXPECT_EQ(ReasonOf(Expand(wide, {RunParams()}).status()),
            Reason::kTooManyRuns);
  const Sweep narrow{.axes = {std::vector<RunParams>(500)}};
  EXPECT_EQ(ReasonOf(Expand(narrow, std::vector<RunParams>(201)).status()),
            Reason::kTooManyRuns);
}

TEST(SweepTest, PreparedJobHasItsSweepExpanded) {
  NewJob job{.runs = {{.steps = 5}, {.steps = 6}},
             .sweep = Sweep{.axes = {Seeds({1, 2})}}};
  const auto prepared = Prepare(job, 1);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->run_count, 4);
  EXPECT_THAT(
      prepared->own_texts,
      ElementsAre(R"({"seed":1,"steps":5})", R"({"seed":2,"steps":5})",
                  R"({"seed":1,"steps":6})", R"({"seed":2,"steps":6})"));
}

TEST(SweepTest, OnlyRunThatASweepIsLaidOverIsStoredOnce) {
  NewJob job{.shared = {.prompt = "a hut", .steps = 9},
             .runs = {{.prompt = "a barn", .guidance = 7.5}},
             .sweep = Sweep{.axes = {Seeds({1, 2})}}};
  const auto prepared = Prepare(job, 1);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared->shared_text,
            "{\"prompt\":\"a barn\",\"steps\":9,\"guidance\":7.5}");
  EXPECT_THAT(prepared->own_texts, ElementsAre("{\"seed\":1}", "{\"seed\":2}"));
}

TEST(SweepTest, BytesOfASweepAreCountedBeforeTheyAreMade) {
  const std::string long_prompt(1000, 'p');
  NewJob job{.runs = {{.prompt = long_prompt}, {.prompt = long_prompt}},
             .sweep = Sweep{.axes = {Seeds(std::vector<int64_t>(600, 1))}}};
  const SubmitLimits limits{.job_bytes_max = 1 << 20};
  const absl::Status status = Prepare(job, 1, limits).status();
  EXPECT_EQ(ReasonOf(status), Reason::kJobTooLarge);
  EXPECT_EQ(MetadataOf(status).at("bytesMax"), "1048576");
  job.sweep->axes[0].resize(400);
  EXPECT_TRUE(Prepare(job, 1, limits).ok());
}

TEST(SweepTest, BytesOfRunsThatAreListedCountToo) {
  NewJob job{.runs = std::vector<RunParams>(
                 1100, {.prompt = std::string(1000, 'p'), .seed = 1})};
  EXPECT_EQ(ReasonOf(Prepare(job, 1, {.job_bytes_max = 1 << 20}).status()),
            Reason::kJobTooLarge);
  EXPECT_TRUE(Prepare(job, 1).ok());
}

TEST(SweepTest, RehearsalKeepsNoTexts) {
  NewJob job{.request_id = "r",
             .runs = {{.steps = 5}},
             .sweep = Sweep{.axes = {Seeds({1, 2, 3})}}};
  const auto rehearsed = Prepare(job, 1, {}, /*rehearsal=*/true);
  ASSERT_TRUE(rehearsed.ok());
  EXPECT_EQ(rehearsed->run_count, 3);
  EXPECT_THAT(rehearsed->own_texts, SizeIs(0));
  EXPECT_EQ(rehearsed->payload_digest, Prepare(job, 1)->payload_digest);
}

TEST(SweepTest, SweepAndItsExpansionAreTheSamePayload) {
  const NewJob swept{.request_id = "r",
                     .runs = {{.steps = 5}},
                     .sweep = Sweep{.axes = {Seeds({1, 2})}}};
  const NewJob listed{
      .request_id = "r",
      .runs = {{.seed = 1, .steps = 5}, {.seed = 2, .steps = 5}}};
  EXPECT_EQ(Prepare(swept, 1)->payload_digest,
            Prepare(listed, 2)->payload_digest);
}

TEST(SweepTest, PayloadOfALargeSweepIsItself) {
  NewJob job{.request_id = "r",
             .runs = {{.prompt = std::string(60'000, 'p')}},
             .sweep = Sweep{.axes = {Seeds(std::vector<int64_t>(1000, 1))}}};
  const std::string digest = Prepare(job, 1)->payload_digest;
  EXPECT_EQ(Prepare(job, 2)->payload_digest, digest);
  (*job.runs[0].prompt)[0] = 'q';
  EXPECT_NE(Prepare(job, 1)->payload_digest, digest);
}

}  // namespace
}  // namespace sheaf
