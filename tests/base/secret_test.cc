#include "base/secret.h"

#include <set>

#include "gtest/gtest.h"

namespace sheaf {
namespace {

TEST(SecretTest, NoTwoAreAlike) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(RandomBytes());
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(seen.begin()->size(), kSecretBytes);
  EXPECT_EQ(RandomBytes(32).size(), 32u);
}

TEST(SecretTest, OneIsLikeItselfAlone) {
  EXPECT_TRUE(IsSameSecret("abc", "abc"));
  for (const char* other : {"", "ab", "abd", "abcd", "Abc"}) {
    EXPECT_FALSE(IsSameSecret("abc", other)) << other;
  }
  EXPECT_FALSE(IsSameSecret("", "")) << "no secret is none";
}

TEST(SecretTest, TheMarkIsOfSecretAndPurpose) {
  EXPECT_EQ(MarkOf("a", "b"), MarkOf("a", "b"));
  EXPECT_NE(MarkOf("a", "b"), MarkOf("a", "c"));
  EXPECT_NE(MarkOf("a", "b"), MarkOf("c", "b"));
}

// RFC 4231, test case 2.
TEST(SecretTest, HmacIsTheStandardOne) {
  EXPECT_EQ(HmacHex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c7"
            "5a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace sheaf
