// One log line per event on standard error, as text or as JSON. Names and error
// messages that others wrote cannot forge a line: characters that act on a line
// come out escaped (base/safe_text.h).
#pragma once

#include <string>
#include <string_view>

#include "spdlog/common.h"

namespace sheaf::worker {

enum class LogFormat { kText, kJson };

// Makes spdlog's default logger write `format`, at `level` and above. Call it
// before any other thread starts.
void InstallLog(LogFormat format, spdlog::level::level_enum level);

// `text` in the form that it has between the quotes of a JSON string. Bytes
// that are not UTF-8 become U+FFFD.
std::string EscapeJson(std::string_view text);

}  // namespace sheaf::worker
