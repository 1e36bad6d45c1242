// The model store's plans.
#include <algorithm>
#include <limits>

#include "tests/queue/memory_tx.h"

namespace sheaf {
namespace {

// A time as the database keeps it.
absl::Time Stored(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return time;
  }
  return absl::FromUnixMillis(absl::ToUnixMillis(time));
}

}  // namespace

std::optional<PlanRecord> MemoryTx::FindPlan(PlanId id) {
  return plans_.Find(id);
}

std::vector<PlanRecord> MemoryTx::Plans(const std::string& queue, PlanId before,
                                        int limit) {
  std::vector<PlanRecord> page;
  for (auto row = plans_.rows().rbegin(); row != plans_.rows().rend(); ++row) {
    if (static_cast<int>(page.size()) == limit) break;
    if (before && row->first >= before) continue;
    if (row->second.queue == queue) page.push_back(row->second);
  }
  return page;
}

std::vector<PlanId> MemoryTx::ExpiredPlans(absl::Time by, int limit) {
  std::vector<std::pair<absl::Time, PlanId>> found;
  for (const auto& [id, plan] : plans_.rows()) {
    if (plan.state != PlanState::kActive && plan.expire_time <= by) {
      found.emplace_back(plan.expire_time, id);
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<PlanId> ids;
  for (const auto& [time, id] : found) {
    if (static_cast<int>(ids.size()) < limit) ids.push_back(id);
  }
  return ids;
}

std::vector<PlanBatch> MemoryTx::PlanBatches(PlanId plan, int64_t after,
                                             int limit) {
  std::vector<PlanBatch> page;
  for (auto row = plan_batches_.rows().upper_bound({plan, after});
       row != plan_batches_.rows().end() && row->first.first == plan; ++row) {
    if (static_cast<int>(page.size()) == limit) break;
    page.push_back(row->second);
  }
  return page;
}

std::optional<PlanBatch> MemoryTx::FindPlanBatch(PlanId plan, RunId run) {
  for (const auto& [key, batch] : plan_batches_.rows()) {
    if (key.first != plan) continue;
    const auto& runs = batch.runs;
    if (std::find(runs.begin(), runs.end(), run) != runs.end()) return batch;
  }
  return std::nullopt;
}

PlanTimes MemoryTx::TimesOf(PlanId plan) {
  PlanTimes times;
  for (const auto& [key, batch] : plan_batches_.rows()) {
    if (key.first != plan || !batch.actual) continue;
    ++times.batches;
    times.predicted += batch.predicted;
    times.actual += *batch.actual;
  }
  return times;
}

std::map<std::string, std::string> MemoryTx::Learned() {
  return {learned_.rows().begin(), learned_.rows().end()};
}

void MemoryTx::SavePlanBatchTime(PlanId plan, int64_t number,
                                 absl::Duration actual) {
  std::optional<PlanBatch> batch = plan_batches_.Find({plan, number});
  if (!batch) return;
  batch->actual = absl::Trunc(actual, absl::Milliseconds(1));
  plan_batches_.Put({plan, number}, *std::move(batch));
}

void MemoryTx::Learn(const std::string& name, const std::string& value) {
  if (value.empty()) return learned_.Erase(name);
  learned_.Put(name, value);
}

void MemoryTx::SavePlan(const PlanRecord& plan) {
  PlanRecord row = plan;
  row.create_time = Stored(plan.create_time);
  row.expire_time = Stored(plan.expire_time);
  row.execute_time = Stored(plan.execute_time);
  row.start_time = Stored(plan.start_time);
  plans_.Put(plan.id, std::move(row));
}

void MemoryTx::AddPlanBatch(const PlanBatch& batch) {
  plan_batches_.Put({batch.plan, batch.number}, batch);
}

// Deletes the plan in one go; only the other store works in slices.
bool MemoryTx::DeletePlan(PlanId id, int) {
  plan_batches_.EraseRange({id, 0}, {id, std::numeric_limits<int64_t>::max()});
  plans_.Erase(id);
  return true;
}

}  // namespace sheaf
