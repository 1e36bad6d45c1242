#include "inference/worker/process/log.h"

#include <gtest/gtest.h>

#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

TEST(LogTest, JsonTextIsEscaped) {
  EXPECT_EQ(EscapeJson("plain"), "plain");
  EXPECT_EQ(EscapeJson("a\"b\\c\n\x01\x7f"), "a\\\"b\\\\c\\n\\u0001\\u007f");
  EXPECT_EQ(EscapeJson("\u009b \u202e \u061c \U000E0041"),
            "\\u009b \\u202e \\u061c \\udb40\\udc41");
  EXPECT_EQ(EscapeJson("Grün 狐 🦊"), "Grün 狐 🦊");
}

TEST(LogTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(EscapeJson("a\xff"), "a\\ufffd");
  EXPECT_EQ(EscapeJson("\xc3"), "\\ufffd");
  EXPECT_EQ(EscapeJson("\xc0\xaf"), "\\ufffd\\ufffd");
  EXPECT_EQ(EscapeJson("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");
  EXPECT_EQ(EscapeJson("\xf5\x80\x80\x80x"), "\\ufffd\\ufffd\\ufffd\\ufffdx");
}

TEST(LogTest, ForgedLinesStayOneLine) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    InstallLog(format, spdlog::level::info);
    testing::internal::CaptureStderr();
    spdlog::info("from {}",
                 "someone\n2026-01-01 error forged \"quote\" "
                 "\u009b \u202e \U000E0041");
    spdlog::debug("too quiet");
    const std::string out = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << out;
    EXPECT_EQ(out.back(), '\n');
    for (const char* raw : {"\u009b", "\u202e", "\U000E0041"}) {
      EXPECT_EQ(out.find(raw), std::string::npos) << out;
    }
  }
  InstallLog(LogFormat::kText, spdlog::level::warn);
}

}  // namespace
}  // namespace sheaf::worker
