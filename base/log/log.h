// The log of a program, on standard error: one line per event, as text or as
// JSON.
//
//   Log(spdlog::level::info, "lease", "lease ended",
//       {{"batch", 17}, {"worker", "workers/3"}, {"reason", "expired"}});
//
//   2025-03-01T09:30:00.125Z info lease: lease ended batch=17 ...
//   {"ts":"2025-03-01T09:30:00.125Z","level":"info","component":"lease",
//    "msg":"lease ended","batch":17,...}
//
// Names, labels and error messages stay within their field and their line, with
// any characters in them: control characters, those that reorder text, and
// bytes that are not UTF-8 come out escaped. Prompts are their owner's
// business: fields named `prompt` or `negative_prompt` show only their length
// unless the level is debug or trace.
//
// Lines of others that go to spdlog's default logger come out the same way,
// with the program's own component. Any thread, once SetUpLogging has returned.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "spdlog/common.h"
#include "spdlog/formatter.h"

namespace sheaf {

// A key and its value; borrows both, so it lives no longer than the call it is
// an argument of.
struct LogField {
  using Value = std::variant<std::string_view, int64_t, double, bool>;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, absl::string_view v)
      : key(k), value(std::string_view(v.data(), v.size())) {}
  LogField(std::string_view k, const std::string& v)
      : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v)
      : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view k, T v)
      : key(k), value(static_cast<int64_t>(v)) {}

  std::string_view key;
  Value value;
};

// The least levels to log: of every component, and of those that have a level
// of their own.
struct LogLevels {
  spdlog::level::level_enum all = spdlog::level::info;
  std::map<std::string, spdlog::level::level_enum, std::less<>> components;
};

// Reads "info", or "info,planner=debug". INVALID_ARGUMENT says what it must be.
absl::StatusOr<LogLevels> ParseLogLevels(const std::string& text);

struct LogOptions {
  spdlog::level::level_enum level = spdlog::level::info;
  // Levels of components that differ from it.
  std::map<std::string, spdlog::level::level_enum, std::less<>> components;
  bool json = false;
  std::string component = "sheafd";  // of lines that name none
  bool pid = false;  // JSON lines name the process: others write there, too
  spdlog::sink_ptr sink;  // Standard error where null.
};

// Makes spdlog's default logger write as described. Call it before there are
// other threads.
void SetUpLogging(const LogOptions& options);

// Writes one event, if `level` is enabled.
void Log(spdlog::level::level_enum level, std::string_view component,
         std::string_view message, std::initializer_list<LogField> fields = {});
// The same with fields that were gathered at run time.
void LogFields(spdlog::level::level_enum level, std::string_view component,
               std::string_view message, std::span<const LogField> fields);

}  // namespace sheaf
