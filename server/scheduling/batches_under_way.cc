#include "server/scheduling/batches_under_way.h"

#include <algorithm>
#include <utility>

#include "server/scheduling/work_of.h"

namespace sheaf::server {
namespace {

constexpr double kRunWeight = 0.1;  // of one batch in a moving average

// The rows of a batch that no longer waits.
batching::RowSet RowsOf(const Leased& leased,
                        std::shared_ptr<const batching::ModelTable> models,
                        absl::Time now) {
  batching::RowSet set;
  set.shapes = batching::ShapeTable({.models = std::move(models)});
  for (const LeasedRun& leased_run : leased.runs) {
    Run run = leased_run.run;
    run.state = RunState::kQueued;
    run.run_time = now;
    run.alone = false;
    set.Add(run, leased.kind, "", leased_run.params, now);
  }
  return set;
}

// The error of a run in a batch is of the attempt that ends: the attempt began
// without one.
void Count(const RunChange& change, AttemptCounts* counts) {
  if (change.state == RunState::kSucceeded) ++counts->succeeded;
  if (change.error_class) ++counts->failed;
}

}  // namespace

void BatchesUnderWay::Start(const std::vector<Batch>& batches) {
  absl::MutexLock lock(&mutex_);
  for (const Batch& batch : batches) {
    UnderWay held;
    held.worker = batch.worker;
    held.runs = static_cast<int>(batch.runs.size());
    Put(batch.id, std::move(held));
  }
}

double BatchesUnderWay::Started(const Leased& leased, const Lessee& who,
                                absl::Time now) {
  UnderWay batch;
  batch.worker = who.id;
  batch.runs = static_cast<int>(leased.batch.runs.size());
  for (const auto& [twin, of] : leased.batch.twins) batch.twins.insert(twin);
  batch.prediction = PredictionOf(leased, who, now);
  const auto count = static_cast<double>(leased.runs.size());
  if (!batch.prediction) {
    absl::MutexLock lock(&mutex_);
    Put(leased.batch.id, std::move(batch));
    return run_ms_ * count;
  }
  batch.start_time = now;
  batch.device_bytes = static_cast<double>(who.device_bytes);
  batch.joined = static_cast<bool>(who.beside);
  batch.plan = leased.plan;
  batch.plan_batch = leased.plan_batch;
  const double predicted = batch.prediction->ms;
  absl::MutexLock lock(&mutex_);
  run_ms_ += kRunWeight * (predicted / count - run_ms_);
  if (batch.joined) {
    for (const BatchId other : of_worker_[who.id]) {
      under_way_.at(other).joined = true;
    }
  }
  Put(leased.batch.id, std::move(batch));
  return predicted;
}

std::optional<Prediction> BatchesUnderWay::PredictionOf(const Leased& leased,
                                                        const Lessee& who,
                                                        absl::Time now) {
  const auto models = models_of_ ? models_of_(who.id) : nullptr;
  const WorkKind kind = WorkOf(who, leased.runs, models.get());
  if (leased.predicted_ms > 0) {
    return prices_.Predicted(leased.predicted_ms, kind);
  }
  const batching::RowSet set = RowsOf(leased, models, now);
  if (set.rows.empty()) return std::nullopt;
  return prices_.Predict(set, kind);
}

void BatchesUnderWay::Put(BatchId id, UnderWay batch) {
  of_worker_[batch.worker].insert(id);
  under_way_[id] = std::move(batch);
}

std::optional<double> BatchesUnderWay::FreeIn(WorkerId worker,
                                              absl::Time now) const {
  absl::MutexLock lock(&mutex_);
  std::optional<double> free_ms;
  const auto held = of_worker_.find(worker);
  if (held == of_worker_.end()) return std::nullopt;
  for (const BatchId id : held->second) {
    const UnderWay& batch = under_way_.at(id);
    if (!batch.prediction) continue;
    const auto correction = prices_.CorrectionOf(batch.prediction->kind);
    if (!correction) return std::nullopt;
    const double left = batch.prediction->ms * *correction -
                        absl::ToDoubleMilliseconds(now - batch.start_time);
    // Skips a batch that is late: it may be slow because others have joined it,
    // or only its pictures may still be on their way.
    if (left <= 0) continue;
    free_ms = std::max(free_ms.value_or(0), left);
  }
  return free_ms;
}

void BatchesUnderWay::Held(BatchId batch, const batching::BatchMemory& memory) {
  absl::MutexLock lock(&mutex_);
  const auto found = under_way_.find(batch);
  if (found != under_way_.end()) found->second.memory = memory;
}

BatchEnds BatchesUnderWay::NoteCommit(const Committed& committed,
                                      absl::Time now) {
  BatchEnds ends;
  absl::MutexLock lock(&mutex_);
  for (const Event& event : committed.events) {
    if (event.type != EventType::kRunsChanged) continue;
    const auto found = under_way_.find(event.batch);
    if (found == under_way_.end()) continue;
    UnderWay& batch = found->second;
    AttemptCounts& counts = ends.workers[batch.worker];
    for (const RunChange& change : event.runs) {
      Count(change, &counts);
      --batch.runs;
      // A picture more or less changes the time of a batch; a twin is none.
      if (change.state != RunState::kSucceeded &&
          !batch.twins.contains(change.run)) {
        batch.well = false;
      }
    }
    if (batch.runs > 0) continue;
    if (batch.prediction) {
      ends.batches.push_back({.prediction = *std::move(batch.prediction),
                              .actual = now - batch.start_time,
                              .tells = batch.well && !batch.joined,
                              .device_bytes = batch.device_bytes,
                              .memory = batch.memory,
                              .plan = batch.plan,
                              .plan_batch = batch.plan_batch});
    }
    const auto held = of_worker_.find(batch.worker);
    held->second.erase(found->first);
    if (held->second.empty()) of_worker_.erase(held);
    under_way_.erase(found);
  }
  return ends;
}

size_t BatchesUnderWay::size() const {
  absl::MutexLock lock(&mutex_);
  return under_way_.size();
}

}  // namespace sheaf::server
