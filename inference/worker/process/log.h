// One log line per event on standard error, as text or as JSON. Either way what
// others wrote (names, error messages) cannot forge a line: characters that do
// something to a line come out escaped (base/safe_text.h).
#pragma once

#include <string>
#include <string_view>

#include "spdlog/common.h"

namespace sheaf::worker {

enum class LogFormat { kText, kJson };

// Makes spdlog's default logger write `format` from `level` on. Call it before
// there are other threads.
void InstallLog(LogFormat format, spdlog::level::level_enum level);

// `text` as it may stand between the quotes of a JSON string. Bytes that are
// not UTF-8 become U+FFFD.
std::string EscapeJson(std::string_view text);

}  // namespace sheaf::worker
