#include "base/near_word.h"

#include "gtest/gtest.h"

namespace sheaf {
namespace {

const std::vector<std::string> kWords = {"listen", "log_level", "log_json"};

TEST(NearWordTest, ASlipOfTheFingerIsRecognised) {
  for (const char* word : {"lisetn", "lsten", "Listen", "listens"}) {
    EXPECT_EQ(DidYouMean(word, kWords), ", did you mean 'listen'?") << word;
  }
  EXPECT_EQ(DidYouMean("loglevel", kWords), ", did you mean 'log_level'?");
}

TEST(NearWordTest, TheNearestIsMeant) {
  EXPECT_EQ(DidYouMean("log_jsn", kWords), ", did you mean 'log_json'?");
}

TEST(NearWordTest, ASwapOfNeighboursIsOneSlip) {
  EXPECT_EQ(DidYouMean("lsit", {"list"}), ", did you mean 'list'?");
  EXPECT_EQ(DidYouMean("submti", {"submit"}), ", did you mean 'submit'?");
}

TEST(NearWordTest, AShortWordMayHaveOneSlipOnly) {
  EXPECT_EQ(DidYouMean("lst", {"list", "get"}), ", did you mean 'list'?");
  EXPECT_EQ(DidYouMean("xyst", {"list"}), "");
}

TEST(NearWordTest, AFarWordIsNoHelp) {
  EXPECT_EQ(DidYouMean("colour", kWords), "");
  EXPECT_EQ(DidYouMean("", kWords), "");
  EXPECT_EQ(DidYouMean("x", {"a"}), "");
  EXPECT_EQ(DidYouMean(std::string(100'000, 'x'), kWords), "");
}

}  // namespace
}  // namespace sheaf
