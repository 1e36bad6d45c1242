#include "inference/engine/tensor/hardware.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

std::string TextOf(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "550.54.15", and no word that only begins so.
bool IsVersion(absl::string_view word) {
  return !word.empty() && absl::ascii_isdigit(word[0]) &&
         word.find('.') != absl::string_view::npos &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return c == '.' || absl::ascii_isdigit(c); });
}

}  // namespace

std::string ProcessorNameIn(std::string_view cpuinfo) {
  for (const absl::string_view line : absl::StrSplit(ToAbsl(cpuinfo), '\n')) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(field.first) != "model name") continue;
    std::string name(field.second);
    absl::RemoveExtraAsciiWhitespace(&name);
    return name;
  }
  return "";
}

std::string DriverVersionIn(std::string_view version) {
  const absl::string_view text = ToAbsl(version);
  for (const absl::string_view word :
       absl::StrSplit(text.substr(0, text.find('\n')), ' ')) {
    if (IsVersion(word)) return std::string(word);
  }
  return "";
}

std::string ProcessorName() { return ProcessorNameIn(TextOf("/proc/cpuinfo")); }

std::string NvidiaDriverVersion() {
  return DriverVersionIn(TextOf("/proc/driver/nvidia/version"));
}

}  // namespace sheaf::engine
