#include "cli/support/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Whether an option of that type takes the value.
bool Takes(const std::string& type, const std::string& value) {
  CLI::App app;
  std::string taken;
  AddValue(&app, "--it", &taken, type, "It");
  try {
    app.parse("--it " + value);
  } catch (const CLI::ParseError&) {
    return false;
  }
  return taken == value;
}

TEST(TreeTest, ChoicesAreTheOnlyValues) {
  EXPECT_TRUE(Takes("low|high", "high"));
  EXPECT_FALSE(Takes("low|high", "hihg"));
  EXPECT_TRUE(Takes("TEXT", "anything"));
}

TEST(TreeTest, AWordInCapitalsAllowsOtherValues) {
  EXPECT_TRUE(Takes("DURATION|any", "30s"));
  EXPECT_TRUE(Takes("DURATION|any", "any"));
}

TEST(TreeTest, WordsInCapitalsAreNoChoices) {
  EXPECT_THAT(ChoiceWords("low|high"), ElementsAre("low", "high"));
  EXPECT_THAT(ChoiceWords("DURATION|any"), ElementsAre("any"));
  EXPECT_THAT(ChoiceWords("DURATION"), IsEmpty());
}

}  // namespace
}  // namespace sheaf::cli
