#include "base/log/log.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "base/near_word.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace sheaf {
namespace {

// The parts of a line for which spdlog's message has no room. spdlog's sinks
// format on the thread that logs, so Log hands the parts to the formatter in a
// thread-local variable.
struct Extras {
  std::string_view component;  // empty: the program's own
  std::span<const LogField> fields;
};
thread_local const Extras* extras_of_this_line = nullptr;

// JSON has its own escapes for characters below space; Printable does the rest.
std::string EscapedForJson(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t length = 0;
    while (length < text.size() && static_cast<uint8_t>(text[length]) >= 0x20) {
      ++length;
    }
    out += Printable(text.substr(0, length));
    if (length < text.size()) out += text[length++];
    text.remove_prefix(length);
  }
  return out;
}

// Quoted where it would otherwise run into what follows.
std::string TextValue(std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" =\"\\") == std::string_view::npos;
  if (plain) return Printable(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return Printable(quoted) + "\"";
}

std::string Number(double number) {
  // JSON has no infinity, and a log line must not fail for one.
  if (!(number - number == 0)) return "null";
  std::string out;
  AppendJsonNumber(number, &out);
  return out;
}

bool IsSecret(const LogField& field, spdlog::level::level_enum level) {
  return level >= spdlog::level::info &&
         (field.key == "prompt" || field.key == "negative_prompt");
}

std::string Rendered(const LogField& field, spdlog::level::level_enum level,
                     bool json) {
  const auto text = [json](std::string_view value) {
    if (!json) return TextValue(value);
    std::string out;
    AppendJsonString(EscapedForJson(value), &out);
    return out;
  };
  if (const auto* value = std::get_if<std::string_view>(&field.value)) {
    if (!IsSecret(field, level)) return text(*value);
    return text(absl::StrCat("(", value->size(), " bytes)"));
  }
  if (const auto* value = std::get_if<double>(&field.value)) {
    return Number(*value);
  }
  if (const auto* value = std::get_if<bool>(&field.value)) {
    return *value ? "true" : "false";
  }
  return absl::StrCat(std::get<int64_t>(field.value));
}

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(const LogOptions& options)
      : json_(options.json), component_(options.component), pid_(options.pid) {}

  void format(const spdlog::details::log_msg& message,
              spdlog::memory_buf_t& out) override {
    static const Extras kNone;
    const Extras& extras =
        extras_of_this_line == nullptr ? kNone : *extras_of_this_line;
    const std::string line =
        json_ ? JsonLine(message, extras) : TextLine(message, extras);
    out.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(*this);
  }

 private:
  static std::string TimeOf(const spdlog::details::log_msg& message) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                            absl::FromChrono(message.time),
                            absl::UTCTimeZone());
  }
  static std::string_view LevelOf(const spdlog::details::log_msg& message) {
    const auto level = spdlog::level::to_string_view(message.level);
    return {level.data(), level.size()};
  }
  static std::string_view TextOf(const spdlog::details::log_msg& message) {
    return {message.payload.data(), message.payload.size()};
  }

  std::string_view ComponentOf(const Extras& extras) const {
    return extras.component.empty() ? component_ : extras.component;
  }

  std::string TextLine(const spdlog::details::log_msg& message,
                       const Extras& extras) const {
    std::string line = absl::StrCat(
        TimeOf(message), " ", ToAbsl(LevelOf(message)), " ",
        Printable(ComponentOf(extras)), ": ", Printable(TextOf(message)));
    for (const LogField& field : extras.fields) {
      absl::StrAppend(&line, " ", Printable(field.key), "=",
                      Rendered(field, message.level, false));
    }
    return line += '\n';
  }

  std::string JsonLine(const spdlog::details::log_msg& message,
                       const Extras& extras) const {
    std::string line;
    JsonObject object(&line);
    object.Text("ts", TimeOf(message));
    object.Text("level", LevelOf(message));
    object.Text("component", EscapedForJson(ComponentOf(extras)));
    if (pid_) object.Integer("pid", getpid());
    object.Text("msg", EscapedForJson(TextOf(message)));
    for (const LogField& field : extras.fields) {
      object.Name(EscapedForJson(field.key));
      line += Rendered(field, message.level, true);
    }
    object.Close();
    return line += '\n';
  }

  const bool json_;
  const std::string component_;
  const bool pid_;
};

// Set before there are other threads, and never again.
LogLevels& LevelsInForce() {
  static auto* const levels = new LogLevels{spdlog::level::trace, {}};
  return *levels;
}

spdlog::level::level_enum LevelOfComponent(std::string_view component) {
  const LogLevels& levels = LevelsInForce();
  if (levels.components.empty()) return levels.all;
  const auto own = levels.components.find(component);
  return own == levels.components.end() ? levels.all : own->second;
}

const std::vector<std::string>& LevelNames() {
  static const auto* const names = new std::vector<std::string>{
      "trace", "debug", "info", "warning", "error"};
  return *names;
}

std::optional<spdlog::level::level_enum> LevelNamed(const std::string& name) {
  const auto& names = LevelNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return std::nullopt;
  }
  return spdlog::level::from_str(name);
}

}  // namespace

absl::StatusOr<LogLevels> ParseLogLevels(const std::string& text) {
  LogLevels levels;
  bool first = true;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<std::string> sides = absl::StrSplit(part, '=');
    const auto level = LevelNamed(sides.back());
    const bool names_component = sides.size() == 2 && !sides[0].empty();
    if (!level || names_component == first || sides.size() > 2) {
      return absl::InvalidArgumentError(absl::StrCat(
          "must be one of ", absl::StrJoin(LevelNames(), ", "),
          ", or such a level and levels of components (info,planner=debug), "
          "not '",
          text, "'", level ? "" : DidYouMean(sides.back(), LevelNames())));
    }
    if (first) {
      levels.all = *level;
    } else {
      levels.components[sides[0]] = *level;
    }
    first = false;
  }
  return levels;
}

void SetUpLogging(const LogOptions& options) {
  spdlog::sink_ptr sink = options.sink;
  if (!sink) sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger =
      std::make_shared<spdlog::logger>(options.component, std::move(sink));
  logger->set_formatter(std::make_unique<LineFormatter>(options));
  LevelsInForce() = {options.level, options.components};
  // The logger itself lets through what any component may say.
  auto least = options.level;
  for (const auto& [component, level] : options.components) {
    least = std::min(least, level);
  }
  logger->set_level(least);
  spdlog::set_default_logger(std::move(logger));
}

void Log(spdlog::level::level_enum level, std::string_view component,
         std::string_view message, std::initializer_list<LogField> fields) {
  LogFields(level, component, message, {fields.begin(), fields.size()});
}

void LogFields(spdlog::level::level_enum level, std::string_view component,
               std::string_view message, std::span<const LogField> fields) {
  spdlog::logger* logger = spdlog::default_logger_raw();
  if (!logger->should_log(level) || level < LevelOfComponent(component)) return;
  const Extras extras{.component = component, .fields = fields};
  extras_of_this_line = &extras;
  logger->log(level, spdlog::string_view_t(message.data(), message.size()));
  extras_of_this_line = nullptr;
}

}  // namespace sheaf
