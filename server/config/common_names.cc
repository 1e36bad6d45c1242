#include "server/config/common_names.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sheaf::server {
namespace {

constexpr char kPlacement[] = "GPU_LOAD_BALANCE_STRATEGY";
// No queue grows so deep that waits would shrink.
constexpr char kNeverShrinks[] = "1000000";

// Reads variables, and remembers which of them were set.
class Variables {
 public:
  explicit Variables(const ConfigSources& sources) : sources_(sources) {}

  std::optional<std::string> Read(const std::string& name) {
    std::optional<std::string> text = sources_.environment(name);
    if (text && text->empty()) text.reset();
    if (text) used_.push_back(name);
    return text;
  }
  std::optional<bool> ReadSwitch(const std::string& name) {
    const std::optional<std::string> text = Read(name);
    bool value = false;
    if (!text || !absl::SimpleAtob(*text, &value)) return std::nullopt;
    return value;
  }
  std::string used() const { return absl::StrJoin(used_, ", "); }

 private:
  const ConfigSources& sources_;
  std::vector<std::string> used_;
};

}  // namespace

RawValues FromCommonNames(const ConfigSources& sources) {
  RawValues values;
  Variables variables(sources);
  std::vector<std::string> settings;
  const auto set = [&](const char* setting, const std::string& value) {
    settings.push_back(absl::StrCat(setting, "=", value));
  };
  if (const auto batching = variables.ReadSwitch("ENABLE_BATCHING")) {
    set("policy", *batching ? "adaptive" : "off");
  }
  if (const auto size = variables.Read("MAX_BATCH_SIZE")) {
    set("batch_size", *size);
  }
  if (const auto seconds = variables.Read("MAX_BATCH_WAIT_TIME")) {
    set("wait_max", absl::StrCat(*seconds, "s"));
  }
  const auto threshold = variables.Read("ADAPTIVE_BATCH_THRESHOLD");
  const auto adaptive = variables.ReadSwitch("ENABLE_ADAPTIVE_BATCHING");
  if (adaptive && !*adaptive) {
    set("threshold", kNeverShrinks);
  } else if (threshold) {
    set("threshold", *threshold);
  }
  if (!settings.empty()) {
    values["first_queue_settings"] = {settings, variables.used()};
  }
  const auto placement = sources.environment(kPlacement);
  if (placement && !placement->empty()) {
    values["placement"] = {{*placement}, kPlacement};
  }
  return values;
}

}  // namespace sheaf::server
