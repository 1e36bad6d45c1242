#include "batching/plan/report.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace sheaf::batching {
namespace {

constexpr double kGainMin = 1.01;  // below it a plan is not worth its trouble

// The factor by which times of the model are still to be corrected.
double FactorOf(const CostModel& model, const Calibration& calibration) {
  return calibration.correction / model.correction();
}

Verdict VerdictOf(double speedup) {
  if (speedup >= kGainMin) return Verdict::kExecute;
  return speedup * kGainMin < 1 ? Verdict::kSlower : Verdict::kNoGain;
}

int64_t CountJobs(const RowSet& set) {
  absl::flat_hash_set<int64_t> jobs;
  int64_t last = 0;
  for (const Row& row : set.rows) {
    if (row.job().value != last) jobs.insert(row.job().value);
    last = row.job().value;
  }
  return static_cast<int64_t>(jobs.size());
}

double SinglesTime(const RowSet& set, const CostModel& model) {
  std::vector<double> alone(set.shapes.costs(), -1);
  double sum = 0;
  for (const Row& row : set.rows) {
    const uint32_t cost = set.shapes.shape(row.shape).cost;
    if (alone[cost] < 0) alone[cost] = model.Alike(cost, 1);
    sum += alone[cost];
  }
  return sum;
}

std::string Runs(int64_t count) {
  return absl::StrCat(count, count == 1 ? " run" : " runs");
}

// The times that the cheapest rule of either kind would have taken, where the
// plan knows them.
struct RuleCosts {
  double strict = -1;
  double mixed = -1;
};
RuleCosts CostsOf(const Plan& plan) {
  RuleCosts costs;
  for (size_t i = 0; i < plan.candidate_ms.size(); ++i) {
    const PolicySpec& rule = plan.candidates[i];
    if (rule.fill != Fill::kOptimal && rule.fill != Fill::kGreedy) continue;
    double& cost = rule.grouping.signature ? costs.strict : costs.mixed;
    const double ms = plan.candidate_ms[i];
    cost = cost < 0 ? ms : std::min(cost, ms);
  }
  return costs;
}

void Warn(const Plan& plan, const Profile& profile,
          const Calibration& calibration, double factor, PlanReport* report) {
  const auto add = [report](Warning warning, std::string text) {
    report->warnings.push_back({warning, std::move(text)});
  };
  if (!calibration.calibrated() && !profile.measured_here) {
    add(Warning::kUncalibrated,
        absl::StrCat("uncalibrated: predicted by the profile ", profile.name));
  }
  if (report->verdict != Verdict::kExecute) {
    add(Warning::kNoGain, report->verdict == Verdict::kSlower
                              ? "leaving the jobs as they are is faster"
                              : "leaving the jobs as they are is as fast");
  }
  const RuleCosts costs = CostsOf(plan);
  if (costs.strict > 0 && costs.strict < costs.mixed) {
    add(Warning::kMixedSlower,
        absl::StrFormat("mixing controls would be slower than strict: "
                        "%.1f s against %.1f s",
                        costs.mixed * factor / 1000,
                        costs.strict * factor / 1000));
  }
  const Comparison& comparison = report->comparison;
  if (comparison.later > 0) {
    add(Warning::kSomeLater,
        absl::StrFormat("%s will end later than without the plan, by %.1f s "
                        "at most",
                        Runs(comparison.later),
                        comparison.worst_later_ms / 1000));
  }
  if (comparison.deadlines_missed_after > 0) {
    add(Warning::kDeadlines,
        absl::StrCat(Runs(comparison.deadlines_missed_after),
                     " will not start by the deadline (",
                     comparison.deadlines_missed_before, " without the plan)"));
  }
  if (report->alone > 0) {
    add(Warning::kTailOfOne,
        absl::StrCat(Runs(report->alone),
                     report->alone == 1 ? " goes alone" : " go alone"));
  }
}

}  // namespace

uint32_t WorkOfMost(const RowSet& set) {
  std::vector<int64_t> rows(set.shapes.works());
  for (const Row& row : set.rows) {
    ++rows[set.shapes.key(set.shapes.shape(row.shape).key).work];
  }
  const auto most = std::max_element(rows.begin(), rows.end());
  return static_cast<uint32_t>(most - rows.begin());
}

PlanReport Report(const RowSet& set, const CostModel& model, const Plan& plan,
                  const Calibration& calibration, const PlanOptions& options) {
  PlanReport report;
  report.runs = static_cast<int64_t>(plan.order.size());
  report.jobs = CountJobs(set);
  report.batches = static_cast<int64_t>(plan.batches.size());
  PlanOptions fifo_options = options;
  fifo_options.harm_max = absl::InfiniteDuration();
  const Plan fifo = MakePlan(set, model, Policy::kNatural, fifo_options);
  std::vector<double> batch_ms;
  batch_ms.reserve(plan.batches.size());
  for (const PlannedBatch& batch : plan.batches) {
    batch_ms.push_back(batch.ms);
    report.alone += batch.count == 1;
  }
  const Profile& profile = model.profile(WorkOfMost(set));
  report.profile = profile.name;
  report.measured = profile.measured_here;
  const double factor = FactorOf(model, calibration);
  report.plan_ms = plan.gpu_ms * factor;
  report.baseline_ms = fifo.gpu_ms * factor;
  report.singles_ms = SinglesTime(set, model) * factor;
  report.bound_ms = LowerBound(set, model, options.batch_size) * factor;
  if (plan.gpu_ms > 0) report.speedup = fifo.gpu_ms / plan.gpu_ms;
  report.verdict = VerdictOf(report.speedup);
  // The band is reckoned from figures without a correction.
  for (double& ms : batch_ms) ms /= model.correction();
  report.estimate = EstimateOf(calibration, batch_ms);
  report.gain = GainText(calibration, fifo.gpu_ms / model.correction(),
                         batch_ms, profile);
  report.heuristic_speedup = HeuristicSpeedup(report.runs, report.batches);
  report.comparison =
      Compare(set, Scaled(TimelineOf(set, model, fifo), factor),
              Scaled(TimelineOf(set, model, plan), factor), options.now);
  report.unplanned = set.unplanned;
  Warn(plan, profile, calibration, factor, &report);
  return report;
}

void NoteFullest(const Plan& filled, const CostModel& model,
                 const Calibration& calibration, PlanReport* report) {
  report->fullest_batches = static_cast<int64_t>(filled.batches.size());
  report->fullest_ms = filled.gpu_ms * FactorOf(model, calibration);
}

std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kExecute:
      return "PLAN_VERDICT_EXECUTE";
    case Verdict::kNoGain:
      return "PLAN_VERDICT_NO_GAIN";
    case Verdict::kSlower:
      return "PLAN_VERDICT_SLOWER";
  }
  return "";
}

bool IsWorthExecuting(const PlanReport& report, double gain_min) {
  if (!report.estimate.high_ms) {
    return report.measured && report.speedup >= gain_min;
  }
  if (*report.estimate.high_ms <= 0) return false;
  return report.baseline_ms / *report.estimate.high_ms >= gain_min;
}

bool IsNothing(const PlanReport& report) {
  return report.alone == report.runs && report.verdict != Verdict::kExecute;
}

std::string NothingToPlan(const RowSet& set) {
  std::vector<std::string> reasons;
  const auto alone = static_cast<int64_t>(set.rows.size());
  if (alone > 0) {
    reasons.push_back(
        absl::StrCat(Runs(alone), alone == 1 ? " that nothing goes with"
                                             : " of which no two go together"));
  }
  for (const auto& [why, count] : set.unplanned) {
    reasons.push_back(
        absl::StrCat(Runs(count), " ", ToAbsl(WordsOf(why).text)));
  }
  if (reasons.empty()) return "No batchable jobs found: nothing waits";
  return absl::StrCat("No batchable jobs found: ",
                      absl::StrJoin(reasons, ", "));
}

}  // namespace sheaf::batching
