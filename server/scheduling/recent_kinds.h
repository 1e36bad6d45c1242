// The kinds of work that a board has figures of, by when each was last used.
// Names come from workers and clients, and memory is bounded: the kinds that
// were not used for longest go first. A value; its owner locks it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "batching/pricing/work_kind.h"

namespace sheaf::server {

using batching::ParseWorkKind;
using batching::WorkKind;

// The longest figure that is stored.
inline constexpr size_t kLearnedBytesMax = 64 << 10;

class RecentKinds {
 public:
  static constexpr size_t kMax = 4096;

  // Marks the kind as used now. Answers the kind that has to go for it, where
  // there are too many; the owner calls Remove.
  std::optional<WorkKind> Use(const WorkKind& kind);
  bool Contains(const WorkKind& kind) const { return used_.contains(kind); }
  void Remove(const WorkKind& kind) { used_.erase(kind); }
  // The kinds of the model or device `name`, or all where it is empty. A device
  // also goes by the beginning of its name: "cuda", or "cuda: NVIDIA L40S".
  std::vector<WorkKind> Of(const std::string& name) const;

 private:
  std::map<WorkKind, int64_t> used_;
  int64_t uses_ = 0;
};

// The entry of such work that has the number of controls, or, where nothing is
// known of that, the nearest number; the larger one of two that are as near.
// Looks at entries that `counts` alone.
template <class T, class Counts>
auto NearestLike(const std::map<WorkKind, T>& all, const WorkKind& kind,
                 const Counts& counts) {
  auto nearest = all.end();
  const auto apart = [&kind](const auto& entry) {
    return std::abs(entry->first.controls - kind.controls);
  };
  for (auto at = all.lower_bound(kind.Plain());
       at != all.end() && at->first.IsLike(kind); ++at) {
    if (!counts(at->second)) continue;
    if (nearest == all.end() || apart(at) <= apart(nearest)) nearest = at;
  }
  return nearest;
}

// Takes the kinds that have changed, each with its present value; nothing if it
// was forgotten.
template <class T>
std::vector<std::pair<WorkKind, std::optional<T>>> TakeChanges(
    std::set<WorkKind>* kinds, const std::map<WorkKind, T>& all) {
  std::vector<std::pair<WorkKind, std::optional<T>>> taken;
  for (const WorkKind& kind : std::exchange(*kinds, {})) {
    const auto found = all.find(kind);
    taken.emplace_back(
        kind, found == all.end() ? std::nullopt : std::optional(found->second));
  }
  return taken;
}

}  // namespace sheaf::server
