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

TEST(NearWordTest, AFarWordIsNoHelp) {
  EXPECT_EQ(DidYouMean("colour", kWords), "");
  EXPECT_EQ(DidYouMean("", kWords), "");
  EXPECT_EQ(DidYouMean("x", {"a"}), "");
  EXPECT_EQ(DidYouMean(std::string(100'000, 'x'), kWords), "");
}

}  // namespace
}  // namespace sheaf
