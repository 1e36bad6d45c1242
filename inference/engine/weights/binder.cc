#include "inference/engine/weights/binder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

constexpr size_t kNamedMax = 8;

bool Matches(const std::vector<int64_t>& shape,
             const std::vector<int64_t>& wanted) {
  return std::equal(
      shape.begin(), shape.end(), wanted.begin(), wanted.end(),
      [](int64_t have, int64_t want) { return want == -1 || have == want; });
}

// "; missing: a, b and 3 more"
void AppendNames(std::string_view what, const std::vector<std::string>& names,
                 std::string* out) {
  if (names.empty()) return;
  absl::StrAppend(out, "; ", ToAbsl(what), ": ");
  for (size_t i = 0; i < std::min(names.size(), kNamedMax); ++i) {
    absl::StrAppend(out, i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kNamedMax) {
    absl::StrAppend(out, " and ", names.size() - kNamedMax, " more");
  }
}

}  // namespace

const Tensor* WeightBinder::Find(std::string_view key) {
  const auto found = tensors_.find(key);
  if (found == tensors_.end()) return nullptr;
  used_.emplace(key);
  return &found->second;
}

const Tensor* WeightBinder::Get(std::string_view key,
                                const std::vector<int64_t>& shape) {
  const Tensor* tensor = Find(key);
  if (tensor == nullptr) {
    missing_.push_back({std::string(key), shape});
    return nullptr;
  }
  if (!Matches(tensor->shape, shape)) {
    misshaped_.push_back(absl::StrCat(
        ToAbsl(key), " ", ShapeText(tensor->shape), " not ", ShapeText(shape)));
    return nullptr;
  }
  return tensor;
}

std::vector<std::string> WeightBinder::Unused(
    const std::vector<std::string_view>& ignored) const {
  std::vector<std::string> names;
  for (const auto& item : tensors_) {
    const std::string& key = item.first;
    if (used_.count(key) != 0) continue;
    const bool is_ignored = std::any_of(
        ignored.begin(), ignored.end(),
        [&](std::string_view suffix) { return key.ends_with(suffix); });
    if (!is_ignored) names.push_back(key);
  }
  return names;
}

absl::Status WeightBinder::Finish() const {
  if (missing_.empty() && misshaped_.empty()) return absl::OkStatus();
  std::string message = source_ + ": the weights do not fit the model";
  std::vector<std::string> missing;
  for (const Wanted& wanted : missing_) missing.push_back(wanted.key);
  AppendNames("missing", missing, &message);
  AppendNames("mis-shaped", misshaped_, &message);
  return absl::InvalidArgumentError(message);
}

WeightScope WeightScope::Sub(std::string_view name) const {
  return WeightScope(binder_, Path(name));
}

WeightScope WeightScope::Sub(std::string_view name, size_t index) const {
  return WeightScope(binder_, Path(absl::StrCat(ToAbsl(name), ".", index)));
}

std::string WeightScope::Path(std::string_view name) const {
  return prefix_.empty() ? std::string(name)
                         : absl::StrCat(prefix_, ".", ToAbsl(name));
}

}  // namespace sheaf::engine
