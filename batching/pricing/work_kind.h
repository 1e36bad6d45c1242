// A kind of work: one of its batches tells about another. A value.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sheaf::batching {

struct WorkKind {
  // The identity of the device: its name, its card and its memory, a semicolon,
  // and all else that makes one card as fast as another.
  std::string device;
  std::string model;  // empty: the workers' default
  int64_t width = 0;  // 0: the model's own
  int64_t height = 0;
  // The types of controls that a batch uses, up to kControlsMax: each has a
  // network of its own in the device's memory.
  int controls = 0;
  static constexpr int kControlsMax = 8;

  // The same work without its controls. Profiles are of that: they price each
  // control by itself.
  WorkKind Plain() const { return {device, model, width, height}; }
  // Whether the two differ in their controls alone, if at all.
  bool IsLike(const WorkKind& other) const { return Plain() == other.Plain(); }
  auto operator<=>(const WorkKind&) const = default;
};

// The part of a device's identity that people know it by: "cuda: NVIDIA L40S,
// 45 GiB".
std::string ShortName(std::string_view device);

// The name under which the store keeps a figure of this kind of work. `prefix`
// names the figure and ends in a line break.
std::string NameOf(std::string_view prefix, const WorkKind& kind);
// Nothing for a name that has another prefix or is none.
std::optional<WorkKind> ParseWorkKind(std::string_view prefix,
                                      std::string_view name);

}  // namespace sheaf::batching
