#include "batching/plan/plan.h"

#include <algorithm>
#include <set>

namespace sheaf::batching {

const std::vector<PolicySpec>& PolicySpecs() {
  constexpr Grouping kSettings = {.settings = true};
  constexpr Grouping kSignature = {.signature = true};
  static const auto* const kSpecs = new std::vector<PolicySpec>{
      {Policy::kSingles, "singles", kMixed, Fill::kSingles},
      {Policy::kNatural, "natural", kMixed, Fill::kJobs},
      {Policy::kStrictGreedy, "strict-greedy", kStrict, Fill::kGreedy},
      {Policy::kMixedGreedyDense, "mixed-greedy-dense", kSettings,
       Fill::kGreedy, Computation::kDense},
      {Policy::kMixedGreedy, "mixed-greedy", kSettings, Fill::kGreedy},
      {Policy::kStrictOptimal, "strict-optimal", kStrict, Fill::kOptimal},
      {Policy::kMinimalStrictOptimal, "minimal-strict-optimal", kSignature,
       Fill::kOptimal},
      {Policy::kMinimalMixedOptimal, "minimal-mixed-optimal", kMixed,
       Fill::kOptimal},
      {Policy::kBest, "best", kMixed, Fill::kOptimal},
  };
  return *kSpecs;
}

const PolicySpec& SpecOf(Policy policy) {
  return PolicySpecs()[static_cast<size_t>(policy) - 1];
}

const std::vector<PolicySpec>& BestCandidates() {
  static const auto* const kCandidates = [] {
    auto* candidates = new std::vector<PolicySpec>;
    for (const PolicySpec& spec : PolicySpecs()) {
      if (spec.policy == Policy::kBest) continue;
      // Computing a control for rows that don't use it is never cheaper.
      if (spec.computation == Computation::kDense) continue;
      candidates->push_back(spec);
    }
    return candidates;
  }();
  return *kCandidates;
}

std::optional<Policy> ParsePolicy(std::string_view name) {
  for (const PolicySpec& spec : PolicySpecs()) {
    if (spec.name == name) return spec.policy;
  }
  return std::nullopt;
}

std::vector<PolicySpec> RulesFor(Mode mode, bool greedy, Signature signature) {
  std::vector<PolicySpec> rules;
  if (mode != Mode::kMixed) {
    rules.push_back(
        SpecOf(greedy ? Policy::kStrictGreedy : Policy::kStrictOptimal));
  }
  if (mode != Mode::kStrict) {
    rules.push_back(
        SpecOf(greedy ? Policy::kMixedGreedy : Policy::kMinimalMixedOptimal));
  }
  if (mode == Mode::kBest) {
    rules.push_back(SpecOf(Policy::kNatural));
    if (!greedy) rules.push_back(SpecOf(Policy::kMinimalStrictOptimal));
  }
  for (PolicySpec& rule : rules) {
    if (signature == Signature::kMinimal) continue;
    rule.grouping.settings = true;
    rule.grouping.seed = true;
  }
  return rules;
}

std::string_view TextOf(Mode mode) {
  switch (mode) {
    case Mode::kStrict:
      return "strict";
    case Mode::kMixed:
      return "mixed";
    case Mode::kBest:
      return "best";
  }
  return "";
}

std::string_view TextOf(BatchEnd end) {
  switch (end) {
    case BatchEnd::kSize:
      return "the batch size";
    case BatchEnd::kMemory:
      return "no more fit the memory";
    case BatchEnd::kKnee:
      return "more would gain nothing";
    case BatchEnd::kLast:
      return "no more runs go with these";
    case BatchEnd::kCheaper:
      return "cheaper than a fuller batch";
    case BatchEnd::kJob:
      return "the job has no more runs";
    case BatchEnd::kAlone:
      return "the model takes one run at a time";
  }
  return "";
}

std::vector<std::string> ControlTypes(const RowSet& rows, const Plan& plan,
                                      const PlannedBatch& batch) {
  std::set<std::string> names;
  for (const uint32_t row : plan.RowsOf(batch)) {
    const Shape& shape = rows.shapes.shape(rows.rows[row].shape);
    for (const uint16_t control : rows.shapes.signature(shape.signature)) {
      names.insert(rows.shapes.control(control));
    }
  }
  return {names.begin(), names.end()};
}

std::vector<JobId> JobsOf(const RowSet& rows, const Plan& plan,
                          const PlannedBatch& batch) {
  std::vector<JobId> jobs;
  for (const uint32_t row : plan.RowsOf(batch)) {
    const JobId job = rows.rows[row].job();
    if (std::find(jobs.begin(), jobs.end(), job) == jobs.end()) {
      jobs.push_back(job);
    }
  }
  return jobs;
}

}  // namespace sheaf::batching
