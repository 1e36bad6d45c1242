#include "base/json.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf {
namespace {

using testing::HasSubstr;

std::string MessageOf(std::string_view text) {
  return std::string(Json::Parse(text).status().message());
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

std::string Written(double number) {
  std::string out;
  AppendJsonNumber(number, &out);
  return out;
}

TEST(JsonTest, AValueThatIsWrittenReadsBackEqual) {
  for (const char* text :
       {"null", "true", "false", "-7", "9223372036854775807", "0.5", "1e+300",
        R"("a \"b\"")", "[]", "[1,[2.5,null]]", "{}",
        R"({"b":{"a":[true]},"a":"x"})"}) {
    std::string out;
    AppendJson(Json::Parse(text).value(), &out);
    EXPECT_EQ(out, text);
  }
}

TEST(JsonTest, ValuesAreWhatTheyAreAndNothingElse) {
  const Json json =
      Json::Parse(R"({"n":null,"b":true,"i":-7,"d":0.5,"t":"x","a":[1]})")
          .value();
  EXPECT_TRUE(json.Find("n")->is_null());
  EXPECT_TRUE(*json.Find("b")->boolean());
  EXPECT_EQ(json.Find("i")->integer(), -7);
  EXPECT_EQ(json.Find("i")->number(), -7.0);
  EXPECT_EQ(json.Find("d")->number(), 0.5);
  EXPECT_EQ(json.Find("d")->integer(), std::nullopt);
  EXPECT_EQ(*json.Find("t")->text(), "x");
  EXPECT_EQ(json.Find("a")->array()->size(), 1u);
  EXPECT_EQ(json.object()->size(), 6u);
  EXPECT_EQ(json.Find("missing"), nullptr);
  const Json& text = *json.Find("t");
  EXPECT_FALSE(text.is_null());
  EXPECT_EQ(text.boolean(), nullptr);
  EXPECT_EQ(text.array(), nullptr);
  EXPECT_EQ(text.object(), nullptr);
  EXPECT_EQ(text.integer(), std::nullopt);
  EXPECT_EQ(text.number(), std::nullopt);
  EXPECT_EQ(text.Find("t"), nullptr);
}

TEST(JsonTest, MembersKeepTheirOrder) {
  const Json json = Json::Parse(R"({"b":1,"a":2})").value();
  EXPECT_EQ((*json.object())[0].first, "b");
  EXPECT_EQ((*json.object())[1].first, "a");
}

TEST(JsonTest, BlanksMayStandBetweenTokens) {
  EXPECT_TRUE(Json::Parse(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n").ok());
  EXPECT_FALSE(Json::Parse("\v1").ok());
  EXPECT_FALSE(Json::Parse("\xC2\xA0"
                           "1")
                   .ok());
}

TEST(JsonTest, WhatIsNotJsonIsRefused) {
  const std::string_view bad[] = {"",
                                  " ",
                                  "{",
                                  "}",
                                  "[",
                                  "]",
                                  "[1,]",
                                  "[,1]",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{\"a\":1,}",
                                  "{a:1}",
                                  "{'a':1}",
                                  "{1:1}",
                                  "1 2",
                                  "{}{}",
                                  "nul",
                                  "nulll",
                                  "True",
                                  "NaN",
                                  "Infinity",
                                  "-",
                                  "+1",
                                  "01",
                                  "-01",
                                  "1.",
                                  ".5",
                                  "1e",
                                  "1e+",
                                  "0x10",
                                  "1_000",
                                  "\"",
                                  "\"a",
                                  "\"\\\"",
                                  "\"\\x\"",
                                  "\"\\u12\"",
                                  "\"\\u12g4\"",
                                  "\"\\u-123\"",
                                  "\"\\u+123\"",
                                  "\"\n\"",
                                  "\"\t\"",
                                  "// no\n1",
                                  "/* no */1",
                                  "[1 2]",
                                  "{\"a\":1 \"b\":2}",
                                  "{\"a\":1,\"a\":2}",
                                  "\xEF\xBB\xBF{}"};
  for (std::string_view text : bad) {
    EXPECT_EQ(Json::Parse(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
  EXPECT_FALSE(Json::Parse(std::string_view("1\0", 2)).ok());
  EXPECT_FALSE(Json::Parse(std::string_view("\"\0\"", 3)).ok());
}

TEST(JsonTest, ErrorNamesTheByte) {
  EXPECT_THAT(MessageOf("[1,x]"), HasSubstr("byte 3"));
  EXPECT_THAT(MessageOf("{\"a\":1,\"a\":2}"), HasSubstr("stands twice"));
}

TEST(JsonTest, DeepNestingIsRefusedNotFollowed) {
  const auto nested = [](size_t depth, const char* open, const char* close) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += open;
    text += "1";
    for (size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  EXPECT_TRUE(Json::Parse(nested(32, "[", "]")).ok());
  EXPECT_THAT(MessageOf(nested(33, "[", "]")), HasSubstr("too deeply"));
  EXPECT_THAT(MessageOf(nested(33, "{\"a\":", "}")), HasSubstr("too deeply"));
  EXPECT_THAT(MessageOf(nested(1'000'000, "[", "]")), HasSubstr("too deeply"));
  EXPECT_FALSE(Json::Parse(std::string(1'000'000, '[')).ok());
}

TEST(JsonTest, InvalidUtf8IsRefused) {
  for (std::string_view bytes :
       {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",
        "\xE6\xA3", "\xF0\x9F\x8C"}) {
    EXPECT_FALSE(Json::Parse("\"" + std::string(bytes) + "\"").ok());
  }
}

TEST(JsonTest, EscapesAreRead) {
  const auto read = [](std::string_view text) {
    return *Json::Parse(text).value().text();
  };
  EXPECT_EQ(read(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(read(R"("\u0041\u00e9\u68EE")"), "A\xC3\xA9\xE6\xA3\xAE");
  EXPECT_EQ(read(R"("\ud83c\udf32")"), "\xF0\x9F\x8C\xB2");
  EXPECT_EQ(read(R"("\u0000")"), std::string(1, '\0'));
}

TEST(JsonTest, HalfASurrogatePairIsRefused) {
  for (const char* text :
       {R"("\ud83c")", R"("\udf32")", R"("\ud83c\ud83c")", R"("\ud83cx")",
        R"("\ud83c\n")", R"("\udf32\ud83c")"}) {
    EXPECT_THAT(MessageOf(text), HasSubstr("half a surrogate")) << text;
  }
}

TEST(JsonTest, IntegersAreExactToTheirLimits) {
  const auto read = [](std::string_view text) {
    return Json::Parse(text).value();
  };
  EXPECT_EQ(read("9223372036854775807").integer(),
            std::numeric_limits<int64_t>::max());
  EXPECT_EQ(read("-9223372036854775808").integer(),
            std::numeric_limits<int64_t>::min());
  EXPECT_EQ(read("9223372036854775808").integer(), std::nullopt);
  EXPECT_EQ(read("9223372036854775808").number(), 9223372036854775808.0);
  EXPECT_EQ(read("1.0").integer(), std::nullopt);
  EXPECT_EQ(read("-0").number(), 0.0);
}

TEST(JsonTest, NumbersBeyondDoublesAreRefused) {
  EXPECT_TRUE(Json::Parse("1.7976931348623157e308").ok());
  EXPECT_TRUE(Json::Parse("5e-324").ok());
  EXPECT_FALSE(Json::Parse("1e309").ok());
  EXPECT_FALSE(Json::Parse("-1e999999999999").ok());
  EXPECT_FALSE(Json::Parse(std::string(400, '9')).ok());
}

TEST(JsonTest, StringsAreWrittenInOneWay) {
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("a\"b\\c\nd"), R"("a\"b\\c\nd")");
  EXPECT_EQ(Quoted(std::string("\0\x1f\t", 3)), R"("\u0000\u001f\u0009")");
  EXPECT_EQ(Quoted("\x7F\xE6\xA3\xAE/"), "\"\x7F\xE6\xA3\xAE/\"");
}

TEST(JsonTest, EveryByteOfAsciiComesBack) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  EXPECT_EQ(*Json::Parse(Quoted(all)).value().text(), all);
}

TEST(JsonTest, NumbersAreWrittenShortest) {
  EXPECT_EQ(Written(7.5), "7.5");
  EXPECT_EQ(Written(0.1), "0.1");
  EXPECT_EQ(Written(20), "20");
  EXPECT_EQ(Written(1e21), "1e+21");
  EXPECT_EQ(Written(0.0), "0");
  EXPECT_EQ(Written(-0.0), "0") << "equal numbers have equal text";
}

TEST(JsonTest, EveryFiniteNumberReadsBackEqual) {
  std::vector<double> numbers = {0.1 + 0.2,
                                 1.0 / 3,
                                 123456789012345680000.0,
                                 std::numeric_limits<double>::max(),
                                 std::numeric_limits<double>::lowest(),
                                 std::numeric_limits<double>::min(),
                                 std::numeric_limits<double>::denorm_min(),
                                 9007199254740993.0,
                                 -1e-7};
  std::mt19937_64 random(1);
  while (numbers.size() < 100'000) {
    const double number = std::bit_cast<double>(random());
    if (std::isfinite(number)) numbers.push_back(number);
  }
  for (double number : numbers) {
    ASSERT_EQ(Json::Parse(Written(number)).value().number(), number);
  }
}

TEST(JsonTest, ObjectIsWrittenMemberByMember) {
  std::string out;
  JsonObject object(&out);
  object.Text("t", "x\"");
  object.Integer("i", std::numeric_limits<int64_t>::min());
  object.Number("d", 0.5);
  object.Name("list");
  out += "[1,2]";
  object.Close();
  EXPECT_EQ(out,
            R"({"t":"x\"","i":-9223372036854775808,"d":0.5,"list":[1,2]})");
  EXPECT_TRUE(Json::Parse(out).ok());
  std::string empty;
  JsonObject(&empty).Close();
  EXPECT_EQ(empty, "{}");
}

// Damaged texts: the parser may read or refuse them, but nothing breaks.
TEST(JsonTest, DamagedTextsAreReadOrRefused) {
  const std::string good =
      R"({"a":[1,-2.5e3,"\u68ee\n",{"b":null,"c":[true,false]}],"d":"xyz"})";
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (int k = random() % 4; k >= 0; --k) {
      const size_t at = random() % text.size();
      if (random() % 2) {
        text[at] = static_cast<char>(random());
      } else {
        text.erase(at, random() % 3 + 1);
      }
      if (text.empty()) text = "x";
    }
    (void)Json::Parse(text);
  }
}

TEST(JsonTest, ANameTwiceIsRefusedInLargeObjectsToo) {
  for (const int size : {31, 32, 33, 5000}) {
    std::string text = "{";
    for (int i = 0; i < size; ++i) {
      text += '"' + std::to_string(i) + "\":0,";
    }
    EXPECT_TRUE(Json::Parse(text + "\"x\":0}").ok()) << size;
    for (const char* twice : {"0", "15", "30"}) {
      EXPECT_THAT(MessageOf(text + '"' + twice + "\":0}"),
                  HasSubstr("a name stands twice"))
          << size;
    }
  }
}

}  // namespace
}  // namespace sheaf
