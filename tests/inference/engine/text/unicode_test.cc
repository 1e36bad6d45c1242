#include "inference/engine/text/unicode.h"

#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

TEST(UnicodeTest, ClassesAreUnicodes) {
  EXPECT_TRUE(IsLetter(U'a'));
  EXPECT_TRUE(IsLetter(U'é'));
  EXPECT_TRUE(IsLetter(U'猫'));
  EXPECT_FALSE(IsLetter(0x301));  // A combining accent.
  EXPECT_TRUE(IsNumber(U'7'));
  EXPECT_TRUE(IsNumber(U'½'));
  EXPECT_TRUE(IsNumber(U'Ⅷ'));
  EXPECT_FALSE(IsNumber(U'x'));
  for (const char32_t space :
       {U' ', U'\t', U'\n', char32_t{0x85}, char32_t{0xA0}, char32_t{0x3000}}) {
    EXPECT_TRUE(IsSpace(space)) << static_cast<int>(space);
  }
  EXPECT_FALSE(IsSpace(0x200B));  // Zero-width space is a format character.
  EXPECT_FALSE(IsSpace(0x1C));
}

TEST(UnicodeTest, AccentsCompose) {
  EXPECT_EQ(NormalFormC("cafe\xCC\x81").value(), "caf\xC3\xA9");
  EXPECT_EQ(NormalFormC("\xEF\xAC\x81").value(), "\xEF\xAC\x81");  // fi stays.
  EXPECT_EQ(NormalFormC("").value(), "");
  EXPECT_EQ(NormalFormC(std::string_view("a\0b", 3)).value(),
            std::string_view("a\0b", 3));
  EXPECT_FALSE(NormalFormC("\xC3").ok());
}

TEST(UnicodeTest, LowerCaseIsByCodePoint) {
  EXPECT_EQ(LowerCase("ÄÖÜ Straße"), "äöü straße");
  EXPECT_EQ(LowerCase("ΑΒΓ ΣΑΣ"), "αβγ σασ");
  EXPECT_EQ(LowerCase("\xC4\xB0"), "i\xCC\x87");
}

}  // namespace
}  // namespace sheaf::engine
