#include "base/safe_text.h"

#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Each of these acts on its line and is not seen itself.
constexpr const char* kUnsafe[] = {
    "\x01",       "\x1b",       "\x7f",       "\u0080",    "\u009b", "\u009f",
    "\u00ad",     "\u061c",     "\u200b",     "\u200e",    "\u200f", "\u2028",
    "\u2029",     "\u202a",     "\u202e",     "\u2066",    "\u2069", "\ufeff",
    "\U000E0001", "\U000E0041", "\U000E007F", "\U000E0100"};

TEST(SafeTextTest, WhatSteersOrHidesIsNeverShownRaw) {
  for (const std::string unsafe : kUnsafe) {
    const std::string text = "a" + unsafe + "b";
    EXPECT_THAT(Printable(text), Not(HasSubstr(unsafe)));
    EXPECT_THAT(Printable(text), HasSubstr("a\\x"));
    EXPECT_THAT(PrintableLines(text), Not(HasSubstr(unsafe)));
  }
  EXPECT_EQ(Printable("a\u202eb"), "a\\xe2\\x80\\xaeb");
}

TEST(SafeTextTest, WordsOfAnyLanguageStayAsTheyAre) {
  for (const char* text : {"Grün", "狐", "дом", "نامه\u200cها",
                           "👨\u200d👩\u200d👧", "☀\ufe0f", "e\u0301", "\u00a0"}) {
    EXPECT_EQ(Printable(text), text);
    EXPECT_EQ(SafeJson(text), text);
  }
}

TEST(SafeTextTest, LineEndsStayOnlyWhereThereMayBeLines) {
  EXPECT_EQ(Printable("a\nb\r"), "a\\nb\\x0d");
  EXPECT_EQ(PrintableLines("a\nb\r"), "a\nb\\x0d");
}

TEST(SafeTextTest, BrokenBytesAreShownAsBytes) {
  for (const char* broken :
       {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80"}) {
    EXPECT_TRUE(IsValidUtf8(Printable(broken)));
    EXPECT_TRUE(IsValidUtf8(SafeJson(broken)));
  }
  EXPECT_EQ(Printable("a\xff"), "a\\xff");
  EXPECT_EQ(SafeJson("\"\xed\xa0\x80\""), "\"\\ufffd\\ufffd\\ufffd\"");
}

TEST(SafeTextTest, JsonReadsAsTheSameValue) {
  for (const std::string unsafe : kUnsafe) {
    std::string json = "[\n";
    AppendJsonString("a" + unsafe + "b", &json);
    json += "]";
    const std::string safe = SafeJson(json);
    EXPECT_THAT(safe, Not(HasSubstr(unsafe)));
    EXPECT_THAT(safe, HasSubstr("[\n"));
    const auto value = Json::Parse(safe);
    ASSERT_TRUE(value.ok()) << safe;
    EXPECT_EQ(*value->array()->at(0).text(), "a" + unsafe + "b");
  }
}

}  // namespace
}  // namespace sheaf
