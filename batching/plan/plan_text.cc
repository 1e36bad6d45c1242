#include "batching/plan/plan_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/status.h"

namespace sheaf::batching {
namespace {

std::string Count(int64_t count, const char* one, const char* many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

const char* MeaningOf(Mode mode) {
  switch (mode) {
    case Mode::kStrict:
      return "strict (equal controls and settings in each batch)";
    case Mode::kMixed:
      return "mixed (different controls in one batch, each run with its own "
             "weights)";
    case Mode::kBest:
      return "best (strict or mixed, whichever is cheaper)";
  }
  return "";
}

std::string Seconds(double ms) { return absl::StrFormat("%.1f s", ms / 1000); }

std::string BatchLine(const RowSet& set, const Plan& plan, size_t index) {
  const PlannedBatch& batch = plan.batches[index];
  const std::vector<std::string> controls = ControlTypes(set, plan, batch);
  const size_t jobs = JobsOf(set, plan, batch).size();
  return absl::StrCat(
      "Batch ", index + 1, ": ", Count(batch.count, "run", "runs"), " from ",
      Count(static_cast<int64_t>(jobs), "job", "jobs"), " (",
      controls.empty() ? "no controls" : absl::StrJoin(controls, ", "), "), ",
      Seconds(batch.ms), ", ends there: ", ToAbsl(TextOf(batch.end)), "\n");
}

}  // namespace

std::string Headline(const PlanReport& report) {
  return absl::StrCat(Count(report.runs, "run", "runs"), " from ",
                      Count(report.jobs, "job", "jobs"), " → ",
                      Count(report.batches, "batch", "batches"));
}

std::string PlanText(const RowSet& set, const Plan& plan,
                     const PlanReport& report, const PlanTextOptions& options) {
  std::string text = absl::StrCat(Headline(report), "\n");
  if (options.heuristic) {
    absl::StrAppendFormat(
        &text,
        "Estimated speedup: %.1fx over one by one (heuristic: as if every "
        "batch took one run's time)\n",
        report.heuristic_speedup);
  } else {
    absl::StrAppend(
        &text, "Estimated speedup: ", report.gain, ", ",
        Seconds(report.plan_ms), " instead of ", Seconds(report.baseline_ms),
        " for the jobs as they are (one by one: ", Seconds(report.singles_ms),
        ")\n");
  }
  absl::StrAppend(&text, "Mode: ", MeaningOf(options.mode), "\n");
  if (report.fullest_batches > 0) {
    absl::StrAppend(&text, "Aim: the least time, not the fewest batches (",
                    report.batches, " here in ", Seconds(report.plan_ms),
                    "; if each were full, ", report.fullest_batches, " in ",
                    Seconds(report.fullest_ms), ")\n");
  }
  absl::StrAppend(&text, "Batch size: ", options.batch_size, "\n\n");
  const size_t listed = std::min<size_t>(
      plan.batches.size(), static_cast<size_t>(options.batches_max));
  for (size_t i = 0; i < listed; ++i) {
    absl::StrAppend(&text, BatchLine(set, plan, i));
  }
  if (listed < plan.batches.size()) {
    absl::StrAppend(&text, "... and ", plan.batches.size() - listed,
                    " more batches\n");
  }
  const Comparison& comparison = report.comparison;
  absl::StrAppend(&text, "\n", Count(comparison.earlier, "run", "runs"),
                  " earlier, ", comparison.later, " later, ", comparison.same,
                  " at the same time\n");
  for (const auto& [why, count] : report.unplanned) {
    absl::StrAppend(&text, "Left as they are: ", Count(count, "run", "runs"),
                    " ", ToAbsl(WordsOf(why).text), "\n");
  }
  for (const WarningText& warning : report.warnings) {
    absl::StrAppend(&text, "Warning: ", warning.text, "\n");
  }
  return text;
}

}  // namespace sheaf::batching
