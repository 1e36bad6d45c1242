#include "server/scheduling/learned_figures.h"

#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sheaf::server {

LearnedFigures::LearnedFigures(
    PricesBoard* prices, MemoryBoard* memory,
    const std::map<std::string, std::string>& learned)
    : prices_(*prices), memory_(*memory) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, value] : learned) {
    // Forgets a figure that cannot be read, or that is larger than allowed
    // today.
    if (!prices_.Recall(name, value) && !memory_.Recall(name, value)) {
      unreadable_.push_back(name);
    }
  }
}

int LearnedFigures::Forget(const std::string& name) {
  std::set<WorkKind> forgotten = prices_.Forget(name);
  forgotten.merge(memory_.Forget(name));
  return static_cast<int>(forgotten.size());
}

std::string LearnedFigures::Recommendation(const WorkKind& kind) const {
  return memory_.Recommendation(kind, prices_.Knee(kind));
}

std::vector<WorkFigures> LearnedFigures::Figures(
    const std::string& device) const {
  const std::map<WorkKind, MemoryFigures> memory = memory_.Of(device);
  std::set<WorkKind> kinds;
  for (const auto& entry : memory) kinds.insert(entry.first);
  for (WorkKind& kind : prices_.MeasuredOn(device)) {
    kinds.insert(std::move(kind));
  }
  std::vector<WorkFigures> all;
  for (const WorkKind& kind : kinds) {
    WorkFigures figures{.kind = kind};
    const auto found = memory.find(kind);
    if (found != memory.end()) {
      const MemoryFigures& known = found->second;
      figures.rows_max = batching::RowsMax(known.bounds, known.budget);
      figures.held = known.bounds;
      if (std::isfinite(known.budget)) figures.budget = known.budget;
    }
    const int knee = prices_.Knee(kind);
    figures.recommendation = memory_.Recommendation(kind, knee);
    if (figures.recommendation.empty()) {
      figures.recommendation = absl::StrCat(knee, " is the knee");
    }
    figures.profile = prices_.ProfileOf(kind).name;
    figures.measured = prices_.IsMeasured(kind);
    all.push_back(std::move(figures));
  }
  return all;
}

std::map<std::string, std::string> LearnedFigures::TakeChanged() {
  std::map<std::string, std::string> changed = prices_.TakeChanged();
  changed.merge(memory_.TakeChanged());
  absl::MutexLock lock(&mutex_);
  for (std::string& name : std::exchange(unreadable_, {})) {
    changed.try_emplace(std::move(name));
  }
  return changed;
}

}  // namespace sheaf::server
