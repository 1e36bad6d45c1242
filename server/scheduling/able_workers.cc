#include "server/scheduling/able_workers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// Most reasons that Lacking() names.
constexpr size_t kNamed = 4;

}  // namespace

bool AbleWorkers::CanDo(const Lane& lane) const {
  return std::any_of(here_.begin(), here_.end(),
                     [&](const Lessee& who) { return CanServe(who, lane); });
}

// Takes away one demand after another, until a worker could do the rest: the
// last one taken is what they lack.
std::string AbleWorkers::WhyNot(const Lane& lane) const {
  if (CanDo(lane)) return "";
  Lane rest = lane;
  rest.width = rest.height = 0;
  if (CanDo(rest)) {
    return absl::StrCat("pictures of ", lane.width, "x", lane.height);
  }
  rest.model.clear();
  if (CanDo(rest)) return absl::StrCat("model '", lane.model, "'");
  return absl::StrCat("kind '", lane.kind, "' in queues/", lane.queue);
}

bool AbleWorkers::Take(const Lane& lane) {
  if (nobody()) return true;
  const auto [known, is_new] = why_not_.try_emplace(lane.id);
  if (is_new) known->second = WhyNot(lane);
  if (known->second.empty()) return true;
  ++lacking_[known->second];
  return false;
}

std::string AbleWorkers::Lacking() const {
  std::string text;
  size_t named = 0;
  for (const auto& [what, count] : lacking_) {
    if (named++ == kNamed) {
      absl::StrAppend(&text, " and ", lacking_.size() - kNamed, " more");
      break;
    }
    absl::StrAppend(&text, text.empty() ? "" : ", ", what, " (", count,
                    count == 1 ? " run)" : " runs)");
  }
  return text;
}

}  // namespace sheaf::server
