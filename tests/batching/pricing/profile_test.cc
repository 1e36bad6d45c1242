#include "batching/pricing/profile.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/base/seed.h"
#include "tests/batching/builders.h"
#include "tests/batching/golden.h"

namespace sheaf::batching {
namespace {

using testing::HasSubstr;

TEST(ProfileTest, ReadsTheFileAndWritesWhatItReads) {
  auto profiles = GoldenProfiles();
  ASSERT_EQ(profiles.size(), 2u);
  EXPECT_EQ(profiles.at("sdxl-512-h200").step, (Hinge{61, 28.7, 4.375}));
  Profile& profile = profiles.at("sdxl-512-h200");
  profile.measured = {{1, 60.5}, {8, 70}};
  profile.controls["depth"] = {20, -1, 2};
  EXPECT_EQ(ParseProfiles(Encode(profiles)).value(), profiles);
}

TEST(ProfileTest, BrokenFilesAreRefusedByName) {
  const auto message = [](const std::string& text) {
    return std::string(ParseProfiles(text).status().message());
  };
  EXPECT_THAT(message("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(message("{}"), HasSubstr("holds none"));
  EXPECT_THAT(message(R"({"x": {}})"), HasSubstr("x: profile: step"));
  std::string text = GoldenText("profiles.json");
  text.replace(text.find("4.375"), 5, "-1.00");
  EXPECT_THAT(message(text), HasSubstr("sdxl-512-h200: profile: b must not"));
}

TEST(ProfileTest, MoreThanAnybodyMeasuresIsRefused) {
  Profile profile;
  for (int n = 1; n <= 128; ++n) profile.measured[n] = n;
  EXPECT_TRUE(ParseProfiles(Encode({{"p", profile}})).ok());
  profile.measured[129] = 129;
  EXPECT_FALSE(ParseProfiles(Encode({{"p", profile}})).ok());
  profile.measured.clear();
  for (int i = 0; i < 65; ++i) profile.controls[std::to_string(i)] = {};
  EXPECT_FALSE(ParseProfiles(Encode({{"p", profile}})).ok());
}

TEST(ProfileTest, AModelThatMustStepAloneSaysSo) {
  Profile profile{.name = "a", .step = {1, 0, 0}};
  EXPECT_EQ(Encode({{"a", profile}}).find("alone"), std::string::npos);
  profile.alone = true;
  const auto read = ParseProfiles(Encode({{"a", profile}}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->at("a"), profile);
}

TEST(ProfileTest, MeasuredStepsWinOverTheHinge) {
  Profile profile = FastDevice();
  profile.measured = {{1, 50}, {4, 80}};
  EXPECT_EQ(profile.Step(1), 50);
  EXPECT_EQ(profile.Step(2), 60);
  EXPECT_EQ(profile.Step(4), 80);
  EXPECT_EQ(profile.Step(16), FastDevice().step.At(16));
  EXPECT_EQ(FastDevice().Step(1), 60);
}

TEST(ProfileTest, AFittedHingeFindsTheHingeBehindNoisyPoints) {
  const uint32_t seed = TestSeed();
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(1, 0.01);
  const Hinge truth = {61, 28.7, 4.375};
  std::map<int, double> points;
  for (int n = 1; n <= 64; n *= 2) points[n] = truth.At(n) * noise(random);
  const Hinge fit = FitHinge(points);
  for (int n = 1; n <= 64; ++n) {
    EXPECT_NEAR(fit.At(n) / truth.At(n), 1, 0.06) << n << " seed " << seed;
  }
}

TEST(ProfileTest, OnePointPromisesNoGain) {
  const Hinge fit = FitHinge({{2, 100}});
  EXPECT_NEAR(fit.At(4), 200, 1e-9);
}

TEST(ProfileTest, TheKneeIsTheSmallestNearlyBestSize) {
  const Profile slow = SlowDevice();
  const int knee = Knee(slow, 16, 0.05);
  const double best = slow.Step(16) / 16;
  EXPECT_LE(slow.Step(knee) / knee, best * 1.05);
  EXPECT_GT(slow.Step(knee - 1) / (knee - 1), best * 1.05);
  EXPECT_GT(Knee(FastDevice(), 16, 0.05), knee);
}

}  // namespace
}  // namespace sheaf::batching
