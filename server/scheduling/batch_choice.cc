#include "server/scheduling/batch_choice.h"

#include <algorithm>
#include <utility>

#include "base/log/log.h"
#include "batching/continuous/batch_forming.h"
#include "batching/continuous/choose.h"

namespace sheaf::server {
namespace {

batching::WaitPolicy PolicyOf(const QueueSettings& settings,
                              const ChoiceFacts& facts) {
  batching::WaitPolicy policy;
  policy.rule = settings.policy == BatchPolicy::kEconomic
                    ? batching::WaitRule::kEconomic
                    : batching::WaitRule::kAdaptive;
  // A device at work does not wait for more runs.
  if (facts.at_work) policy.rule = batching::WaitRule::kOff;
  policy.batch_max = facts.size;
  policy.batch_min = std::min(settings.batch_min, facts.size);
  policy.wait_max = settings.wait_max;
  policy.wait_min = settings.wait_min;
  policy.adaptive_threshold = settings.threshold;
  return policy;
}

// The rows of a line that share the key of its first, and the run of each.
struct LineRows {
  std::vector<uint32_t> rows;
  std::vector<size_t> runs;
};

LineRows AddLine(const Line& line, absl::Time now, batching::RowSet* set) {
  LineRows added;
  const auto key = [&](uint32_t row) {
    return set->shapes.shape(set->rows[row].shape).key;
  };
  for (size_t i = 0; i < line.waiting.size(); ++i) {
    const LeasedRun& waiting = line.waiting[i];
    const auto row = static_cast<uint32_t>(set->rows.size());
    set->Add(waiting.run, line.lane.kind, "", waiting.params, now);
    if (set->rows.size() == row) continue;
    if (!added.rows.empty() && key(row) != key(added.rows[0])) continue;
    added.rows.push_back(row);
    added.runs.push_back(i);
  }
  return added;
}

// For `info,planner=debug`: why a batch went, or waits.
void LogChoice(const std::string& queue, const batching::Choice& chosen,
               const std::vector<std::vector<uint32_t>>& batches,
               absl::Time now) {
  if (chosen.head) {
    Log(spdlog::level::debug, "planner", "a batch goes",
        {{"queue", queue},
         {"runs", batches[*chosen.head].size()},
         {"why", chosen.why}});
  } else {
    Log(spdlog::level::debug, "planner", "a batch waits for more runs",
        {{"queue", queue},
         {"milliseconds", absl::ToInt64Milliseconds(chosen.wait_until - now)},
         {"why", chosen.why}});
  }
}

}  // namespace

PricedRuns::PricedRuns(const std::string& kind,
                       const std::vector<LeasedRun>& runs,
                       const PricesOf& prices_of,
                       std::shared_ptr<const batching::ModelTable> models) {
  set_.shapes = batching::ShapeTable({.models = std::move(models)});
  for (const LeasedRun& leased : runs) {
    // It no longer waits, for whatever it waited.
    Run run;
    run.id = leased.run.id;
    set_.Add(run, kind, "", leased.params, run.run_time);
  }
  complete_ = !runs.empty() && set_.rows.size() == runs.size();
  for (const batching::Row& row : set_.rows) {
    classes_.push_back(set_.shapes.shape(row.shape).cost);
  }
  if (complete_) model_.emplace(&set_.shapes, prices_of(set_.shapes));
}

double PricedRuns::Of(int count) const {
  return model_->Batch(absl::MakeConstSpan(classes_).first(count));
}

LeasePolicy::Choice ChooseAmong(const Queue& queue, std::vector<Line> lines,
                                const ChoiceFacts& facts,
                                const PricedRuns::PricesOf& prices_of,
                                absl::Time now) {
  // Adds all rows first: the cost model needs a table that no longer grows.
  batching::RowSet set;
  set.shapes = batching::ShapeTable({.models = facts.models});
  std::vector<LineRows> rows;
  for (const Line& line : lines) rows.push_back(AddLine(line, now, &set));
  const batching::CostModel model(&set.shapes, prices_of(set.shapes));
  std::vector<batching::Head> heads;
  std::vector<std::vector<uint32_t>> batches;
  std::vector<size_t> line_of;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (rows[i].rows.empty()) continue;
    const int fit = std::min(facts.size, facts.fits[i]);
    batches.push_back(batching::FormBatch(set, model, rows[i].rows, fit));
    batching::Head head = batching::HeadOf(set, model, batches.back());
    head.rows_max = fit;
    head.oldest = lines[i].waiting[0].run.run_time;
    head.arrivals_per_second = facts.arrivals_per_second[i];
    head.expected_by = facts.expected_by[i];
    head.loaded = facts.loaded[i];
    heads.push_back(head);
    line_of.push_back(i);
  }
  LeasePolicy::Choice choice;
  if (heads.empty()) {
    // No planner knows these runs, so the first one goes as it came.
    choice.runs.push_back(std::move(lines[0].waiting[0]));
    return choice;
  }
  const batching::DeviceView device = {.devices = std::max(1, facts.devices),
                                       .depth = queue.queued};
  const batching::Choice chosen = batching::ChooseBatch(
      heads, PolicyOf(queue.settings, facts), device, now);
  LogChoice(queue.name, chosen, batches, now);
  if (!chosen.head) {
    choice.wait_until = chosen.wait_until;
    return choice;
  }
  const size_t line = line_of[*chosen.head];
  for (const uint32_t row : batches[*chosen.head]) {
    const auto at =
        std::find(rows[line].rows.begin(), rows[line].rows.end(), row);
    const size_t run = rows[line].runs[at - rows[line].rows.begin()];
    choice.runs.push_back(std::move(lines[line].waiting[run]));
  }
  choice.predicted_ms = heads[*chosen.head].ms;
  return choice;
}

}  // namespace sheaf::server
