#include "batching/pricing/work_kind.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status.h"

namespace sheaf::batching {
namespace {

// A line of the name. Names of devices and models may hold anything.
std::string OneLine(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\n", "\\n"}});
}

std::string TextOf(absl::string_view line) {
  return absl::StrReplaceAll(line, {{"\\\\", "\\"}, {"\\n", "\n"}});
}

}  // namespace

std::string ShortName(std::string_view device) {
  return std::string(device.substr(0, device.find(';')));
}

std::string NameOf(std::string_view prefix, const WorkKind& kind) {
  return absl::StrCat(ToAbsl(prefix), OneLine(kind.device), "\n",
                      OneLine(kind.model), "\n", kind.width, "\n", kind.height,
                      "\n", kind.controls);
}

std::optional<WorkKind> ParseWorkKind(std::string_view prefix,
                                      std::string_view name) {
  absl::string_view rest = ToAbsl(name);
  if (!absl::ConsumePrefix(&rest, ToAbsl(prefix))) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(rest, '\n');
  WorkKind kind;
  if (parts.size() != 5 || !absl::SimpleAtoi(parts[2], &kind.width) ||
      !absl::SimpleAtoi(parts[3], &kind.height) ||
      !absl::SimpleAtoi(parts[4], &kind.controls)) {
    return std::nullopt;
  }
  kind.device = TextOf(parts[0]);
  kind.model = TextOf(parts[1]);
  return kind;
}

}  // namespace sheaf::batching
