#include "inference/worker/process/log.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "base/json.h"
#include "base/safe_text.h"
#include "fmt/format.h"
#include "spdlog/formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message,
              spdlog::memory_buf_t& line) override {
    const std::string time =
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(message.time),
                         absl::UTCTimeZone());
    const auto level_view = spdlog::level::to_string_view(message.level);
    const std::string_view level(level_view.data(), level_view.size());
    const std::string_view text(message.payload.data(), message.payload.size());
    if (format_ == LogFormat::kJson) {
      fmt::format_to(std::back_inserter(line),
                     "{{\"ts\":\"{}\",\"level\":\"{}\",\"component\":"
                     "\"worker\",\"pid\":{},\"msg\":\"{}\"}}\n",
                     time, level, getpid(), EscapeJson(text));
    } else {
      fmt::format_to(std::back_inserter(line), "{} {} {}\n", time, level,
                     Printable(text));
    }
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  const LogFormat format_;
};

}  // namespace

void InstallLog(LogFormat format, spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>(
      "worker", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<LineFormatter>(format));
  logger->set_level(level);
  spdlog::set_default_logger(std::move(logger));
}

std::string EscapeJson(std::string_view text) {
  std::string quoted;
  AppendJsonString(text, &quoted);
  return SafeJson(std::string_view(quoted).substr(1, quoted.size() - 2));
}

}  // namespace sheaf::worker
