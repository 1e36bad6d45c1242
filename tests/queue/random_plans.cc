// The random steps of plans, and of runs that share a picture.
#include <algorithm>

#include "queue/plans.h"
#include "tests/queue/builders.h"
#include "tests/queue/random_ops.h"

namespace sheaf {
namespace {

constexpr size_t kPlansKept = 8;
// A plan of so few runs is deleted in one step, as the model always does.
constexpr size_t kPlannedMax = 40;

}  // namespace

// Stores a plan of runs that wait in a queue, shuffled and cut at random;
// sometimes leaves it unsealed.
void RandomOps::StorePlan() {
  const std::string queue = AnyQueue();
  std::vector<RunId> waiting = Read(twins_.memory(), [&](View& view) {
    std::vector<RunId> runs;
    view.ForEachWaiting(queue, [&](const WaitingRun& waiting) {
      runs.push_back(waiting.run.id);
    });
    return runs;
  });
  std::shuffle(waiting.begin(), waiting.end(), random_);
  waiting.resize(std::min(waiting.size(), kPlannedMax));
  std::vector<PlanBatch> batches;
  for (size_t from = 0; from < waiting.size();) {
    const size_t end = std::min(from + 1 + Below(4), waiting.size());
    PlanBatch& batch = batches.emplace_back();
    batch.number = static_cast<int64_t>(batches.size());
    batch.runs.assign(waiting.begin() + from, waiting.begin() + end);
    from = end;
  }
  PlanRecord record;
  record.queue = queue;
  record.live = OneIn(2);
  record.batch_count = static_cast<int64_t>(batches.size());
  const bool whole = !OneIn(10);
  const PlanRecord stored = twins_.Write("StorePlan", [&](Tx& tx) {
    record.revision = 0;
    if (const auto found = tx.FindQueue(queue)) {
      record.revision = found->revision;
    }
    record.sequence = tx.LastSequence();
    PlanRecord begun = BeginPlan(tx, record);
    EXPECT_TRUE(AddToPlan(tx, begun.id, batches).ok());
    return whole ? SealPlan(tx, begun.id).value() : begun;
  });
  plans_.push_back(stored.id);
  if (plans_.size() > kPlansKept) plans_.pop_front();
  Count("StorePlan", absl::OkStatus());
}

void RandomOps::ExecuteSome() {
  ExecuteOptions options;
  options.queue = AnyQueue();
  if (!plans_.empty() && OneIn(2)) options.plan = plans_[Below(plans_.size())];
  if (OneIn(3)) options.request_id = "e" + std::to_string(Below(20));
  const auto executed = twins_.Write(
      "ExecutePlan", [&](Tx& tx) { return ExecutePlan(tx, options); });
  Count("ExecutePlan", executed.status());
}

void RandomOps::UndoSome() {
  if (plans_.empty()) return;
  const PlanId plan = plans_[Below(plans_.size())];
  const auto undone = twins_.Write(
      "UndoPlan", [&](Tx& tx) { return UndoPlan(tx, plan, "ann"); });
  Count("UndoPlan", undone.status());
}

void RandomOps::ShareOrNot() {
  const QueuePatch patch = PatchOf(&QueueSettings::twins, OneIn(2));
  const std::string name = AnyQueue();
  const auto queue = twins_.Write("Share pictures", [&](Tx& tx) {
    return UpdateQueue(tx, name, patch, 0);
  });
  Count("Share pictures", queue.status());
}

}  // namespace sheaf
