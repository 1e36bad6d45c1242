#include "inference/engine/verify/verify.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "inference/engine/verify/cases.h"
#include "inference/engine/verify/judge.h"

namespace sheaf::engine {
namespace {

// Groups in the order of their first case.
std::vector<std::vector<const Outcome*>> Grouped(
    const std::vector<Outcome>& outcomes) {
  std::vector<std::vector<const Outcome*>> groups;
  for (const Outcome& outcome : outcomes) {
    auto found = std::find_if(
        groups.begin(), groups.end(),
        [&](const auto& group) { return group[0]->group == outcome.group; });
    if (found == groups.end()) found = groups.insert(groups.end(), {{}});
    found->push_back(&outcome);
  }
  return groups;
}

// How near a case came to its tolerance.
double Share(const Outcome& outcome) {
  return outcome.tolerance == 0 ? outcome.error
                                : outcome.error / outcome.tolerance;
}

void AppendGroup(const std::vector<const Outcome*>& group, std::string* text) {
  const Outcome* worst = nullptr;
  size_t held = 0;
  for (const Outcome* outcome : group) {
    if (outcome->holds()) ++held;
    if (!outcome->ran()) continue;
    if (worst == nullptr || Share(*outcome) > Share(*worst)) worst = outcome;
  }
  absl::StrAppend(text, absl::StrFormat("%-18s %4d of %4d hold",
                                        group[0]->group, held, group.size()));
  if (worst != nullptr) {
    absl::StrAppend(
        text, absl::StrFormat(", largest error %.3g of %.3g (%s)", worst->error,
                              worst->tolerance, worst->name));
  }
  absl::StrAppend(text, "\n");
  for (const Outcome* outcome : group) {
    if (outcome->holds()) continue;
    if (outcome->ran()) {
      absl::StrAppend(
          text, absl::StrFormat("  misses   %s: %.3g > %.3g\n", outcome->name,
                                outcome->error, outcome->tolerance));
    } else {
      absl::StrAppend(text, "  not run  ", outcome->name, ": ",
                      outcome->obstacle, "\n");
    }
  }
}

}  // namespace

std::vector<Outcome> Verify(const std::string& folder,
                            const VerifyOptions& options) {
  CaseList list(folder, options);
  RunTokenCases(&list);
  RunModuleCases(&list);
  RunSchedulerCases(&list);
  RunPipelineCases(&list);
  std::vector<Outcome> outcomes = list.Take();
  if (outcomes.empty()) {
    outcomes.push_back({.group = "cases",
                        .name = folder,
                        .obstacle = "there are none, or none that were asked "
                                    "for"});
  }
  return outcomes;
}

std::string RulesOf(const VerifyOptions& options) {
  return Judge(options.placement).Rules();
}

std::string ReportOf(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const auto& group : Grouped(outcomes)) AppendGroup(group, &text);
  return text;
}

bool AllHold(const std::vector<Outcome>& outcomes) {
  return !outcomes.empty() &&
         std::all_of(outcomes.begin(), outcomes.end(),
                     [](const Outcome& outcome) { return outcome.holds(); });
}

}  // namespace sheaf::engine
