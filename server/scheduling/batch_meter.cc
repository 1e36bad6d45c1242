#include "server/scheduling/batch_meter.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "batching/rows/cost.h"
#include "server/scheduling/batch_choice.h"

namespace sheaf::server {
namespace {

constexpr char kCalibration[] = "calibration\n";
constexpr char kMemory[] = "memory\n";
constexpr char kProfile[] = "profile1\n";  // another number: other times
constexpr int kNoLimit = kRunsPerJobMax;
// Rows among which the knee is looked for.
constexpr int kKneeRowsMax = 64;
// Above this, batches whose end nobody reported (their workers died) are
// forgotten.
constexpr size_t kUnderWayMax = 10'000;
// Rows that a worker may hold at once (RegisterWorkerRequest.batch_size_max).
constexpr int kRowsMax = 1024;
// Assumed bytes of a device that does not report its own: more than any has.
constexpr double kDeviceBytesMax = 1e13;
constexpr size_t kLearnedBytesMax = 64 << 10;  // of one figure, as it is stored
constexpr double kRunWeight = 0.1;  // of one batch in a moving average

// Kinds of work, each with its present value; nothing if it was forgotten.
template <class T>
using Changed = std::vector<std::pair<WorkKind, std::optional<T>>>;

template <class T>
Changed<T> Taken(std::set<WorkKind>* kinds, const std::map<WorkKind, T>& all) {
  Changed<T> taken;
  for (const WorkKind& kind : std::exchange(*kinds, {})) {
    const auto found = all.find(kind);
    taken.emplace_back(
        kind, found == all.end() ? std::nullopt : std::optional(found->second));
  }
  return taken;
}

// Counts in guided runs; each is two rows.
int KneeOf(const batching::Profile& profile) {
  return (batching::Knee(profile, kKneeRowsMax, 0.05) + 1) / 2;
}

}  // namespace

BatchMeter::BatchMeter(batching::Profile profile,
                       const std::map<std::string, std::string>& learned)
    : profile_(std::move(profile)), measured_(profile_) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, value] : learned) {
    // Forgets a figure that cannot be read, or that is larger than allowed
    // today.
    if (!Recall(name, value)) unreadable_.push_back(name);
  }
}

bool BatchMeter::Recall(const std::string& name, const std::string& value) {
  if (value.size() > kLearnedBytesMax) return false;
  if (const auto kind = ParseWorkKind(kCalibration, name)) {
    const auto calibration = batching::DecodeCalibration(value);
    if (!calibration.ok()) return false;
    known_[*kind] = *calibration;
    Use(*kind);
  } else if (const auto kind = ParseWorkKind(kMemory, name)) {
    const auto bounds = batching::DecodeMemoryBounds(value);
    if (!bounds.ok()) return false;
    memory_[*kind].bounds = *bounds;
    Use(*kind);
  } else if (const auto kind = ParseWorkKind(kProfile, name)) {
    auto profiles = batching::ParseProfiles(value);
    if (!profiles.ok() || profiles->empty()) return false;
    measured_.Put(*kind, std::move(profiles->begin()->second));
    Use(*kind);
  } else {
    return false;
  }
  return true;
}

void BatchMeter::Use(const WorkKind& kind) {
  used_[kind] = ++uses_;
  if (used_.size() <= kKindsMax) return;
  const auto oldest = std::min_element(
      used_.begin(), used_.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  const WorkKind forgotten = oldest->first;
  ForgetKind(forgotten);
}

void BatchMeter::ForgetKind(const WorkKind& kind) {
  if (known_.erase(kind) > 0) calibrations_changed_.insert(kind);
  if (memory_.erase(kind) > 0) memory_changed_.insert(kind);
  if (measured_.Remove(kind)) profiles_changed_.insert(kind);
  used_.erase(kind);
}

int BatchMeter::Forget(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  std::vector<WorkKind> forgotten;
  for (const auto& [kind, use] : used_) {
    if (name.empty() || kind.model == name || kind.device == name) {
      forgotten.push_back(kind);
    }
  }
  for (const WorkKind& kind : forgotten) ForgetKind(kind);
  return static_cast<int>(forgotten.size());
}

double BatchMeter::Started(const Leased& leased, const Lessee& who,
                           absl::Time now) {
  double predicted_ms = leased.predicted_ms;
  if (predicted_ms <= 0) {
    const PricedRuns priced(leased.kind, leased.runs,
                            [&](const batching::ShapeTable& shapes) {
                              return PricesOf(shapes, who.device);
                            });
    if (!priced.complete()) {
      absl::MutexLock lock(&mutex_);
      return run_ms_ * static_cast<double>(leased.runs.size());
    }
    predicted_ms = priced.Of(static_cast<int>(leased.runs.size()));
  }
  const RunParams& params = leased.runs[0].params;
  UnderWay batch;
  batch.device_bytes = static_cast<double>(who.device_bytes);
  batch.kind = {who.device, params.model.value_or(""), params.width.value_or(0),
                params.height.value_or(0)};
  batch.predicted_ms = predicted_ms;
  batch.start_time = now;
  batch.worker = who.id;
  batch.joined = static_cast<bool>(who.beside);
  batch.plan = leased.plan;
  batch.plan_batch = leased.plan_batch;
  absl::MutexLock lock(&mutex_);
  run_ms_ += kRunWeight *
             (predicted_ms / static_cast<double>(leased.runs.size()) - run_ms_);
  if (batch.joined) {
    for (auto& [id, other] : under_way_) {
      if (other.worker == who.id) other.joined = true;
    }
  }
  if (used_.contains(batch.kind)) Use(batch.kind);
  under_way_[leased.batch.id] = std::move(batch);
  if (under_way_.size() > kUnderWayMax) under_way_.erase(under_way_.begin());
  return predicted_ms;
}

std::optional<double> BatchMeter::FreeIn(WorkerId worker,
                                         absl::Time now) const {
  absl::MutexLock lock(&mutex_);
  std::optional<double> free_ms;
  for (const auto& [id, batch] : under_way_) {
    if (batch.worker != worker) continue;
    const auto known = known_.find(batch.kind);
    if (known == known_.end() || !known->second.calibrated()) {
      return std::nullopt;
    }
    const double left = batch.predicted_ms * known->second.correction -
                        absl::ToDoubleMilliseconds(now - batch.start_time);
    // Skips a batch that is late: it may be slow because others have joined it,
    // or only its pictures may still be on their way.
    if (left <= 0) continue;
    free_ms = std::max(free_ms.value_or(0), left);
  }
  return free_ms;
}

void BatchMeter::Held(BatchId batch, const batching::BatchMemory& memory) {
  absl::MutexLock lock(&mutex_);
  const auto found = under_way_.find(batch);
  if (found != under_way_.end()) found->second.memory = memory;
}

// Cuts impossible figures to possible ones: they are a worker's word, and a
// worker that reports too much would keep all others' batches small.
void BatchMeter::LearnMemory(const UnderWay& batch) {
  if (batch.memory.rows == 0) return;
  Use(batch.kind);
  Memory& memory = memory_[batch.kind];
  if (batch.device_bytes > 0) {
    memory.budget = batching::MemoryBudget(
        batch.device_bytes, static_cast<double>(batch.memory.other_bytes));
  }
  const double bytes_max =
      batch.device_bytes > 0 ? batch.device_bytes : kDeviceBytesMax;
  // Ignores a run-out at no more rows than went through together.
  if (batch.memory.ran_out_rows > batch.memory.rows) {
    memory.bounds =
        batching::RanOut(std::move(memory.bounds), batch.memory.ran_out_rows);
  }
  memory.bounds = batching::Succeeded(
      std::move(memory.bounds),
      {std::min(batch.memory.rows, kRowsMax),
       std::min(static_cast<double>(batch.memory.peak_bytes), bytes_max)},
      memory.budget);
  memory_changed_.insert(batch.kind);
}

int BatchMeter::RowsMax(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  const auto found = memory_.find(kind);
  if (found != memory_.end()) {
    return batching::RowsMax(found->second.bounds, found->second.budget);
  }
  // Kinds of work are ordered by device, so this finds any kind on the device.
  const auto first = memory_.lower_bound({.device = kind.device});
  const bool tells =
      first != memory_.end() && first->first.device == kind.device;
  return tells ? batching::RowsMax({}, 0) : kNoLimit;
}

int BatchMeter::RowsMax(const std::string& model, int64_t width,
                        int64_t height) const {
  int most = 0;
  absl::MutexLock lock(&mutex_);
  for (const auto& [kind, memory] : memory_) {
    if (kind.model != model || kind.width != width || kind.height != height) {
      continue;
    }
    most = std::max(most, batching::RowsMax(memory.bounds, memory.budget));
  }
  return most == 0 ? kNoLimit : most;
}

int BatchMeter::Knee() const { return KneeOf(profile_); }

std::string BatchMeter::Recommendation(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  return Recommended(kind);
}

std::string BatchMeter::Recommended(const WorkKind& kind) const {
  const auto found = memory_.find(kind);
  if (found == memory_.end()) return "";
  return batching::Recommendation(found->second.bounds, found->second.budget,
                                  KneeOf(measured_.For(kind)));
}

std::vector<WorkFigures> BatchMeter::Figures(const std::string& device) const {
  absl::MutexLock lock(&mutex_);
  std::set<WorkKind> kinds;
  for (const auto& entry : memory_) kinds.insert(entry.first);
  for (const auto& entry : measured_.all()) kinds.insert(entry.first);
  std::vector<WorkFigures> all;
  for (const WorkKind& kind : kinds) {
    if (!device.empty() && kind.device != device) continue;
    WorkFigures figures{.kind = kind};
    const auto found = memory_.find(kind);
    if (found != memory_.end()) {
      const Memory& memory = found->second;
      figures.rows_max = batching::RowsMax(memory.bounds, memory.budget);
      figures.held = memory.bounds;
      if (std::isfinite(memory.budget)) figures.budget = memory.budget;
    }
    figures.recommendation = Recommended(kind);
    if (figures.recommendation.empty()) {
      figures.recommendation =
          absl::StrCat(KneeOf(measured_.For(kind)), " is the knee");
    }
    figures.profile = measured_.For(kind).name;
    figures.measured = measured_.IsMeasured(kind);
    all.push_back(std::move(figures));
  }
  return all;
}

bool BatchMeter::IsRepriced(const WorkKind& kind,
                            const WorkKind& measured) const {
  return kind == measured ||
         (kind.device == measured.device && kind.model == measured.model &&
          !measured_.IsMeasuredAtThatSize(kind));
}

void BatchMeter::Measured(const WorkKind& kind, batching::Profile profile) {
  absl::MutexLock lock(&mutex_);
  Use(kind);
  measured_.Put(kind, std::move(profile));
  profiles_changed_.insert(kind);
  for (auto& [other, calibration] : known_) {
    if (!IsRepriced(other, kind)) continue;
    calibration = {};
    calibrations_changed_.insert(other);
  }
  for (auto& [id, batch] : under_way_) {
    if (IsRepriced(batch.kind, kind)) batch.repriced = true;
  }
}

bool BatchMeter::IsMeasured(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  return measured_.IsMeasured(kind);
}

double BatchMeter::SwapMs(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  return measured_.For(kind).swap;
}

bool BatchMeter::HasMeasured(const std::string& device,
                             const std::string& model) const {
  absl::MutexLock lock(&mutex_);
  const std::vector<std::string> devices = measured_.DevicesOf(model);
  return std::find(devices.begin(), devices.end(), device) != devices.end();
}

std::vector<batching::Profile> BatchMeter::PricesOf(
    const batching::ShapeTable& shapes, const std::string& device) const {
  std::vector<batching::Profile> profiles;
  absl::MutexLock lock(&mutex_);
  for (uint32_t i = 0; i < shapes.works(); ++i) {
    const batching::Work& work = shapes.work(i);
    profiles.push_back(
        device.empty()
            ? PriceAnywhere(work)
            : measured_.For({device, work.model, work.width, work.height}));
  }
  return profiles;
}

batching::Profile BatchMeter::PriceAnywhere(const batching::Work& work) const {
  std::optional<WorkKind> best;
  int64_t most = -1;
  for (const std::string& device : measured_.DevicesOf(work.model)) {
    const WorkKind kind{device, work.model, work.width, work.height};
    if (!measured_.IsMeasured(kind)) continue;
    const auto known = known_.find(kind);
    const int64_t count = known == known_.end() ? 0 : known->second.count;
    if (count <= most) continue;
    most = count;
    best = kind;
  }
  return best ? measured_.For(*best) : profile_;
}

void BatchMeter::Ended(BatchId batch, bool well) {
  absl::MutexLock lock(&mutex_);
  const auto found = under_way_.find(batch);
  if (found != under_way_.end() && !well) found->second.well = false;
}

std::optional<MeasuredBatch> BatchMeter::Finished(BatchId id, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const auto found = under_way_.find(id);
  if (found == under_way_.end()) return std::nullopt;
  const UnderWay batch = std::move(found->second);
  under_way_.erase(found);
  LearnMemory(batch);
  if (!batch.well || batch.joined) return std::nullopt;
  const absl::Duration actual = now - batch.start_time;
  const MeasuredBatch measured{absl::Milliseconds(batch.predicted_ms), actual,
                               batch.plan, batch.plan_batch};
  // The batch was predicted by old prices; its error tells nothing of the
  // present ones.
  if (batch.repriced) return measured;
  Use(batch.kind);
  batching::Calibration& known = known_[batch.kind];
  known = batching::Observed(std::move(known), batch.predicted_ms,
                             absl::ToDoubleMilliseconds(actual));
  calibrations_changed_.insert(batch.kind);
  return measured;
}

batching::Calibration BatchMeter::For(const batching::RowSet& set) const {
  std::map<uint32_t, int64_t> rows;
  for (const batching::Row& row : set.rows) {
    ++rows[set.shapes.shape(row.shape).key];
  }
  const auto most = std::max_element(
      rows.begin(), rows.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  batching::Calibration best;
  if (most == rows.end()) return best;
  const batching::BatchKey& key = set.shapes.key(most->first);
  absl::MutexLock lock(&mutex_);
  for (const auto& [kind, calibration] : known_) {
    if (kind.model != key.model || kind.width != key.width ||
        kind.height != key.height) {
      continue;
    }
    if (calibration.count > best.count) best = calibration;
  }
  return best;
}

std::map<WorkKind, batching::Calibration> BatchMeter::All() const {
  absl::MutexLock lock(&mutex_);
  return known_;
}

std::map<std::string, std::string> BatchMeter::TakeChanged() {
  Changed<batching::Calibration> calibrations;
  Changed<Memory> memory;
  Changed<batching::Profile> profiles;
  std::map<std::string, std::string> changed;
  {
    absl::MutexLock lock(&mutex_);
    for (std::string& name : std::exchange(unreadable_, {})) changed[name] = "";
    calibrations = Taken(&calibrations_changed_, known_);
    memory = Taken(&memory_changed_, memory_);
    profiles = Taken(&profiles_changed_, measured_.all());
  }
  for (const auto& [kind, value] : calibrations) {
    changed[NameOf(kCalibration, kind)] = value ? batching::Encode(*value) : "";
  }
  for (const auto& [kind, value] : memory) {
    changed[NameOf(kMemory, kind)] =
        value ? batching::Encode(value->bounds) : "";
  }
  for (const auto& [kind, value] : profiles) {
    changed[NameOf(kProfile, kind)] =
        value ? batching::Encode({{"measured", *value}}) : "";
  }
  return changed;
}

}  // namespace sheaf::server
