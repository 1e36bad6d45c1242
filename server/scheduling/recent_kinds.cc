#include "server/scheduling/recent_kinds.h"

#include <algorithm>

namespace sheaf::server {
namespace {

// Whether `device` is called so, or begins with that as its first words.
bool GoesBy(const std::string& device, const std::string& name) {
  if (!device.starts_with(name)) return false;
  const std::string rest = device.substr(name.size());
  return rest.empty() ||
         std::string_view(":,;").find(rest[0]) != std::string_view::npos;
}

}  // namespace

std::optional<WorkKind> RecentKinds::Use(const WorkKind& kind) {
  used_[kind] = ++uses_;
  if (used_.size() <= kMax) return std::nullopt;
  const auto oldest = std::min_element(
      used_.begin(), used_.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  return oldest->first;
}

std::vector<WorkKind> RecentKinds::Of(const std::string& name) const {
  std::vector<WorkKind> kinds;
  for (const auto& [kind, use] : used_) {
    if (name.empty() || kind.model == name || GoesBy(kind.device, name)) {
      kinds.push_back(kind);
    }
  }
  return kinds;
}

}  // namespace sheaf::server
