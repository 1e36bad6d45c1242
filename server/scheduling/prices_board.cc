#include "server/scheduling/prices_board.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>
#include <utility>

#include "batching/rows/cost.h"

namespace sheaf::server {
namespace {

constexpr char kCalibration[] = "calibration\n";
constexpr char kProfile[] = "profile1\n";  // another number: other times
// Rows among which the knee is looked for.
constexpr int kKneeRowsMax = 64;

// Counts in guided runs; each is two rows.
int KneeOf(const batching::Profile& profile) {
  return (batching::Knee(profile, kKneeRowsMax, 0.05) + 1) / 2;
}

}  // namespace

PricesBoard::PricesBoard(batching::Profile profile)
    : profile_(std::move(profile)), measured_(profile_) {}

bool PricesBoard::Recall(const std::string& name, const std::string& value) {
  if (value.size() > kLearnedBytesMax) return false;
  absl::MutexLock lock(&mutex_);
  if (const auto kind = ParseWorkKind(kCalibration, name)) {
    const auto calibration = batching::DecodeCalibration(value);
    if (!calibration.ok()) return false;
    known_[*kind] = *calibration;
    Use(*kind);
  } else if (const auto kind = ParseWorkKind(kProfile, name)) {
    auto profiles = batching::ParseProfiles(value);
    if (!profiles.ok() || profiles->empty()) return false;
    Put(*kind, std::move(profiles->begin()->second));
    Use(*kind);
  } else {
    return false;
  }
  return true;
}

void PricesBoard::Put(const WorkKind& kind, batching::Profile profile) {
  measured_.Put(kind, std::move(profile));
  numbers_[kind.Plain()] = ++measurements_;
}

void PricesBoard::Use(const WorkKind& kind) {
  if (const auto oldest = recent_.Use(kind)) ForgetKind(*oldest);
}

void PricesBoard::ForgetKind(const WorkKind& kind) {
  if (known_.erase(kind) > 0) calibrations_changed_.insert(kind);
  if (kind == kind.Plain()) {
    if (measured_.Remove(kind)) profiles_changed_.insert(kind);
    numbers_.erase(kind);
  }
  recent_.Remove(kind);
}

bool PricesBoard::IsRepriced(const WorkKind& kind,
                             const WorkKind& measured) const {
  return kind.IsLike(measured) ||
         (kind.device == measured.device && kind.model == measured.model &&
          !measured_.IsMeasuredAtThatSize(kind));
}

// Work that was not measured at its own size is priced by the other sizes of
// its model, so the newest measurement of these counts.
int64_t PricesBoard::PriceNumberOf(const WorkKind& kind) const {
  const auto own = numbers_.find(kind.Plain());
  if (own != numbers_.end()) return own->second;
  int64_t newest = 0;
  for (auto at =
           numbers_.lower_bound({.device = kind.device, .model = kind.model});
       at != numbers_.end() && at->first.device == kind.device &&
       at->first.model == kind.model;
       ++at) {
    newest = std::max(newest, at->second);
  }
  return newest;
}

void PricesBoard::Measured(const WorkKind& measured,
                           batching::Profile profile) {
  const WorkKind kind = measured.Plain();
  absl::MutexLock lock(&mutex_);
  Use(kind);
  Put(kind, std::move(profile));
  profiles_changed_.insert(kind);
  for (auto& [other, calibration] : known_) {
    if (!IsRepriced(other, kind)) continue;
    calibration = {};
    calibrations_changed_.insert(other);
  }
}

std::set<WorkKind> PricesBoard::Forget(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const std::vector<WorkKind> forgotten = recent_.Of(name);
  for (const WorkKind& kind : forgotten) ForgetKind(kind);
  return {forgotten.begin(), forgotten.end()};
}

bool PricesBoard::IsMeasured(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  return measured_.IsMeasured(kind);
}

bool PricesBoard::HasMeasured(const std::string& device,
                              const std::string& model) const {
  absl::MutexLock lock(&mutex_);
  const std::vector<std::string> devices = measured_.DevicesOf(model);
  return std::find(devices.begin(), devices.end(), device) != devices.end();
}

bool PricesBoard::StepsAlone(const std::string& device,
                             const std::string& model) const {
  absl::MutexLock lock(&mutex_);
  return measured_.StepsAlone(device, model);
}

std::vector<WorkKind> PricesBoard::MeasuredOn(const std::string& device) const {
  absl::MutexLock lock(&mutex_);
  std::vector<WorkKind> kinds;
  for (const auto& [kind, profile] : measured_.all()) {
    if (device.empty() || kind.device == device) kinds.push_back(kind);
  }
  return kinds;
}

batching::Profile PricesBoard::ProfileOf(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  return measured_.For(kind);
}

std::vector<batching::Profile> PricesBoard::PricesOf(
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

batching::Profile PricesBoard::PriceAnywhere(const batching::Work& work) const {
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

int PricesBoard::Knee() const { return KneeOf(profile_); }

int PricesBoard::Knee(const WorkKind& kind) const {
  return KneeOf(ProfileOf(kind));
}

Prediction PricesBoard::Predict(const batching::RowSet& set,
                                const WorkKind& kind) {
  std::vector<uint32_t> classes;
  for (const batching::Row& row : set.rows) {
    classes.push_back(set.shapes.shape(row.shape).cost);
  }
  // Before the prices are read: a measurement that comes between the two then
  // counts as newer than the prediction.
  Prediction prediction = Predicted(0, kind);
  prediction.ms =
      batching::CostModel(&set.shapes, PricesOf(set.shapes, kind.device))
          .Batch(classes);
  return prediction;
}

Prediction PricesBoard::Predicted(double ms, const WorkKind& kind) {
  absl::MutexLock lock(&mutex_);
  for (const WorkKind& used : {kind, kind.Plain()}) {
    if (recent_.Contains(used)) Use(used);
  }
  return {.kind = kind, .ms = ms, .price = PriceNumberOf(kind)};
}

void PricesBoard::Learn(const Prediction& prediction, absl::Duration actual) {
  absl::MutexLock lock(&mutex_);
  if (PriceNumberOf(prediction.kind) != prediction.price) return;
  Use(prediction.kind);
  batching::Calibration& known = known_[prediction.kind];
  known = batching::Observed(std::move(known), prediction.ms,
                             absl::ToDoubleMilliseconds(actual));
  calibrations_changed_.insert(prediction.kind);
}

std::optional<double> PricesBoard::CorrectionOf(const WorkKind& kind) const {
  absl::MutexLock lock(&mutex_);
  const auto known =
      NearestLike(known_, kind, [](const batching::Calibration& calibration) {
        return calibration.calibrated();
      });
  if (known == known_.end()) return std::nullopt;
  return known->second.correction;
}

batching::Calibration PricesBoard::For(const batching::RowSet& set) const {
  // By key and number of controls.
  std::map<std::pair<uint32_t, size_t>, int64_t> rows;
  for (const batching::Row& row : set.rows) {
    const batching::Shape& shape = set.shapes.shape(row.shape);
    ++rows[{shape.key, set.shapes.signature(shape.signature).size()}];
  }
  const auto most = std::max_element(
      rows.begin(), rows.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == rows.end()) return {};
  const batching::BatchKey& key = set.shapes.key(most->first.first);
  const auto controls = static_cast<int>(most->first.second);
  const batching::Calibration* best = nullptr;
  std::tuple<bool, int, int64_t> best_rank;
  absl::MutexLock lock(&mutex_);
  for (const auto& [kind, calibration] : known_) {
    if (kind.model != key.model || kind.width != key.width ||
        kind.height != key.height) {
      continue;
    }
    const std::tuple rank{calibration.calibrated(),
                          -std::abs(kind.controls - controls),
                          calibration.count};
    if (best != nullptr && rank <= best_rank) continue;
    best = &calibration;
    best_rank = rank;
  }
  return best == nullptr ? batching::Calibration() : *best;
}

std::map<WorkKind, batching::Calibration> PricesBoard::All() const {
  absl::MutexLock lock(&mutex_);
  return known_;
}

std::map<std::string, std::string> PricesBoard::TakeChanged() {
  std::vector<std::pair<WorkKind, std::optional<batching::Calibration>>>
      calibrations;
  std::vector<std::pair<WorkKind, std::optional<batching::Profile>>> profiles;
  {
    absl::MutexLock lock(&mutex_);
    calibrations = TakeChanges(&calibrations_changed_, known_);
    profiles = TakeChanges(&profiles_changed_, measured_.all());
  }
  std::map<std::string, std::string> changed;
  for (const auto& [kind, value] : calibrations) {
    changed[NameOf(kCalibration, kind)] = value ? batching::Encode(*value) : "";
  }
  for (const auto& [kind, value] : profiles) {
    changed[NameOf(kProfile, kind)] =
        value ? batching::Encode({{"measured", *value}}) : "";
  }
  return changed;
}

}  // namespace sheaf::server
