// A kind of work: one of its batches tells about another. A value.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sheaf::batching {

struct WorkKind {
  std::string device;
  std::string model;  // empty: the workers' default
  int64_t width = 0;  // 0: the model's own
  int64_t height = 0;
  auto operator<=>(const WorkKind&) const = default;
};

// The name under which the store keeps a figure of this kind of work. `prefix`
// names the figure and ends in a line break.
std::string NameOf(std::string_view prefix, const WorkKind& kind);
// Nothing for a name that has another prefix or is none.
std::optional<WorkKind> ParseWorkKind(std::string_view prefix,
                                      std::string_view name);

}  // namespace sheaf::batching
