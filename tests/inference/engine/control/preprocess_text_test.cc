#include "inference/engine/control/preprocess_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Refusal(std::string_view text) {
  const auto parsed = ParsePreprocessing(text);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(parsed.status().message());
}

TEST(PreprocessTextTest, ANameMayHaveOptions) {
  const auto plain = ParsePreprocessing("edge");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->preprocessor, Preprocessor::kCanny);
  EXPECT_EQ(plain->options.low, 100);
  const auto canny =
      ParsePreprocessing("canny(low=50, high = 150,resolution=512)");
  ASSERT_TRUE(canny.ok()) << canny.status();
  EXPECT_EQ(canny->options.low, 50);
  EXPECT_EQ(canny->options.high, 150);
  EXPECT_EQ(canny->options.detect_resolution, 512);
  EXPECT_EQ(ParsePreprocessing("blur(sigma=2.5)")->options.blur_sigma, 2.5);
  EXPECT_TRUE(ParsePreprocessing("scribble(invert)")->options.invert);
  EXPECT_TRUE(ParsePreprocessing("canny()").ok());
}

TEST(PreprocessTextTest, WhatHasNoMeaningIsRefusedInWords) {
  EXPECT_THAT(Refusal("cany"), HasSubstr("no preprocessor 'cany', did you mean "
                                         "'canny'?; there are none, canny"));
  EXPECT_THAT(Refusal("hed"), HasSubstr("needs a network"));
  EXPECT_THAT(Refusal("blur(low=3)"),
              HasSubstr("blur: low is no option of it"));
  EXPECT_THAT(Refusal("canny(lo=3)"), HasSubstr("did you mean 'low'?"));
  EXPECT_THAT(Refusal("canny(low=much)"), HasSubstr("must be a whole number"));
  EXPECT_THAT(Refusal("blur(sigma=nan)"), HasSubstr("must be a number"));
  EXPECT_THAT(Refusal("scribble(invert=1)"), HasSubstr("takes no value"));
  EXPECT_THAT(Refusal("canny(low=1"), HasSubstr("must end in ')'"));
}

TEST(PreprocessTextTest, DetectorsTakeAnyPicture) {
  EXPECT_THAT(DetectorNames(),
              ElementsAre("canny", "scribble", "mlsd", "lineart", "blur"));
  for (const std::string& name : DetectorNames()) {
    EXPECT_TRUE(ParsePreprocessing(name).ok()) << name;
  }
  EXPECT_THAT(DetectorNames(), Not(Contains("depth")));
}

}  // namespace
}  // namespace sheaf::engine
