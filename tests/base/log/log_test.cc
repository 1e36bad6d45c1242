#include "base/log/log.h"

#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "base/json.h"
#include "base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"

namespace sheaf::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class LoggingTest : public ::testing::Test {
 protected:
  void SetUp() override { before_ = spdlog::default_logger(); }
  void TearDown() override { spdlog::set_default_logger(before_); }

  void Start(bool json, spdlog::level::level_enum level = spdlog::level::info) {
    SetUpLogging(
        {.level = level,
         .json = json,
         .sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)});
  }
  // The one line logged so far, without its end.
  std::string Line() {
    std::string text = out_.str();
    EXPECT_THAT(text, EndsWith("\n"));
    if (!text.empty()) text.pop_back();
    EXPECT_THAT(text, Not(HasSubstr("\n")));
    return text;
  }
  Json Parsed() {
    const auto json = Json::Parse(Line());
    EXPECT_TRUE(json.ok()) << json.status().ToString() << out_.str();
    return json.ok() ? *json : Json();
  }
  std::string TextOf(const Json& json, std::string_view name) {
    const Json* found = json.Find(name);
    return found != nullptr && found->text() ? *found->text() : "(none)";
  }

  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> before_;
};

// Line breaks, terminal escapes, quotes, C1, a right-to-left override.
constexpr char kHostile[] =
    "x\n{\"level\":\"info\"}\r\x1b[2J\" \\ \x7f \xc2\x9b \xe2\x80\xae end=1";

TEST_F(LoggingTest, TextHasTimeLevelComponentMessageAndFields) {
  Start(false);
  Log(spdlog::level::info, "lease", "lease ended",
      {{"batch", 17}, {"why", "ran out"}, {"pace", 1.5}, {"lost", true}});
  EXPECT_THAT(Line(), MatchesRegex("[0-9-]+T[0-9:.]+Z info lease: lease ended "
                                   "batch=17 why=\"ran out\" pace=1.5 "
                                   "lost=true"));
}

TEST_F(LoggingTest, LinesOfAWorkerAreThoseOfAnyProgram) {
  for (const bool json : {false, true}) {
    out_.str("");
    SetUpLogging(
        {.json = json,
         .component = "worker",
         .pid = true,
         .sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)});
    spdlog::info("from {}", kHostile);
    const std::string line = Line();
    for (const char* raw : {"\xc2\x9b", "\xe2\x80\xae", "\x7f", "\x1b"}) {
      EXPECT_THAT(line, Not(HasSubstr(raw)));
    }
    EXPECT_THAT(line, HasSubstr(json ? "\"component\":\"worker\",\"pid\":"
                                     : " info worker: from x\\n"));
  }
}

TEST_F(LoggingTest, JsonKeepsTypes) {
  Start(true);
  Log(spdlog::level::warn, "lease", "lease ended",
      {{"batch", 17}, {"pace", 1.5}, {"lost", true}, {"worker", "workers/3"}});
  const Json json = Parsed();
  EXPECT_EQ(TextOf(json, "level"), "warning");
  EXPECT_EQ(TextOf(json, "component"), "lease");
  EXPECT_EQ(TextOf(json, "msg"), "lease ended");
  EXPECT_EQ(TextOf(json, "worker"), "workers/3");
  EXPECT_EQ(json.Find("batch")->integer(), 17);
  EXPECT_EQ(json.Find("pace")->number(), 1.5);
  EXPECT_TRUE(*json.Find("lost")->boolean());
  EXPECT_THAT(TextOf(json, "ts"), MatchesRegex("[0-9-]+T[0-9:.]+Z"));
}

TEST_F(LoggingTest, NothingForgesALineOfText) {
  Start(false);
  Log(spdlog::level::info, kHostile, kHostile, {{kHostile, kHostile}});
  const std::string line = Line();
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  EXPECT_THAT(line, Not(HasSubstr("\r")));
  EXPECT_THAT(line, Not(HasSubstr("\x7f")));
  EXPECT_THAT(line, Not(HasSubstr("\xc2\x9b")));
  EXPECT_THAT(line, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(line, HasSubstr("x\\n{"));
}

TEST_F(LoggingTest, NothingForgesALineOfJson) {
  Start(true);
  Log(spdlog::level::info, kHostile, kHostile, {{"name", kHostile}});
  EXPECT_THAT(TextOf(Parsed(), "name"),
              HasSubstr("x\n{\"level\":\"info\"}\r\x1b[2J\" \\ \\x7f "
                        "\\xc2\\x9b \\xe2\\x80\\xae"));
}

TEST_F(LoggingTest, TextOfAFieldStaysInItsQuotes) {
  Start(false);
  Log(spdlog::level::info, "a", "b",
      {{"name", "x\" level=error"}, {"end", "\\"}, {"none", ""}});
  EXPECT_THAT(Line(), EndsWith("name=\"x\\\" level=error\" end=\"\\\\\" "
                               "none=\"\""));
}

TEST_F(LoggingTest, BytesThatAreNotUtf8ComeOutEscaped) {
  for (const bool json : {false, true}) {
    out_.str("");
    Start(json);
    Log(spdlog::level::info, "a", "bad \xff\xc3\x28 byte", {{"k", "\xed\xa0"}});
    EXPECT_TRUE(IsValidUtf8(Line()));
    EXPECT_THAT(Line(), HasSubstr("xff"));
  }
}

TEST_F(LoggingTest, GoodUnicodeStaysReadable) {
  for (const bool json : {false, true}) {
    out_.str("");
    Start(json);
    Log(spdlog::level::info, "a", "b", {{"label", "дом-家-🌾"}});
    EXPECT_THAT(Line(), HasSubstr("дом-家-🌾"));
  }
}

TEST_F(LoggingTest, PromptsAreNotShownAtInfo) {
  for (const bool json : {false, true}) {
    out_.str("");
    Start(json, spdlog::level::debug);
    Log(spdlog::level::info, "jobs", "submitted", {{"prompt", "a secret"}});
    EXPECT_THAT(Line(), Not(HasSubstr("secret")));
    EXPECT_THAT(Line(), HasSubstr("(8 bytes)"));
    out_.str("");
    Log(spdlog::level::debug, "jobs", "submitted", {{"prompt", "a secret"}});
    EXPECT_THAT(Line(), HasSubstr("a secret"));
  }
}

TEST_F(LoggingTest, NumbersThatJsonLacksAreNull) {
  Start(true);
  Log(spdlog::level::info, "a", "b",
      {{"x", std::numeric_limits<double>::infinity()},
       {"y", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_TRUE(Parsed().Find("x")->is_null());
}

TEST_F(LoggingTest, LevelsBelowTheSetOneAreSilent) {
  Start(false, spdlog::level::warn);
  Log(spdlog::level::info, "a", "b", {{"k", 1}});
  EXPECT_EQ(out_.str(), "");
}

TEST_F(LoggingTest, AComponentMayHaveALevelOfItsOwn) {
  SetUpLogging(
      {.level = spdlog::level::info,
       .components = {{"planner", spdlog::level::debug},
                      {"worker", spdlog::level::err}},
       .sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)});
  Log(spdlog::level::debug, "planner", "chose");
  Log(spdlog::level::debug, "lease", "leased");
  Log(spdlog::level::warn, "worker", "stalled");
  Log(spdlog::level::info, "jobs", "submitted");
  EXPECT_THAT(out_.str(), HasSubstr("chose"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("leased")));
  EXPECT_THAT(out_.str(), Not(HasSubstr("stalled")));
  EXPECT_THAT(out_.str(), HasSubstr("submitted"));
}

TEST(LogLevelsTest, AListNamesTheGeneralLevelFirst) {
  const LogLevels levels = *ParseLogLevels("info,planner=debug,worker=error");
  EXPECT_EQ(levels.all, spdlog::level::info);
  EXPECT_EQ(levels.components.at("planner"), spdlog::level::debug);
  EXPECT_EQ(levels.components.at("worker"), spdlog::level::err);
  EXPECT_EQ(ParseLogLevels("warning")->all, spdlog::level::warn);
  for (const char* wrong : {"", "loud", "planner=debug", "info,debug", "info,",
                            "info,=debug", "info,a=b=debug", "off"}) {
    EXPECT_FALSE(ParseLogLevels(wrong).ok()) << wrong;
  }
}

TEST_F(LoggingTest, PlainSpdlogLinesHaveNoFieldsOfOthers) {
  Start(true);
  Log(spdlog::level::info, "a", "b", {{"k", 1}});
  out_.str("");
  spdlog::info("direct {}", kHostile);
  const Json json = Parsed();
  EXPECT_EQ(TextOf(json, "component"), "sheafd");
  EXPECT_EQ(json.Find("k"), nullptr);
}

}  // namespace
}  // namespace sheaf::server
