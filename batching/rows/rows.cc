#include "batching/rows/rows.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/sha256.h"
#include "queue/order.h"

namespace sheaf::batching {
namespace {

constexpr int kStepsMax = 60'000;  // fits ControlSpan; the wire allows 1,000

int64_t Milliseconds(absl::Time time) {
  if (time == absl::InfiniteFuture()) return kNever;
  return absl::ToUnixMillis(time);
}

// Pictures that start from another one take only the last part of the steps.
int StepsOf(const RunParams& params, const RunParams& defaults, int fallback) {
  const int64_t asked =
      params.steps.value_or(defaults.steps.value_or(fallback));
  int64_t steps = std::clamp<int64_t>(asked, 1, kStepsMax);
  if (params.init_image && params.strength) {
    const double part = static_cast<double>(steps) * *params.strength;
    steps = std::clamp<int64_t>(static_cast<int64_t>(part), 1, steps);
  }
  return static_cast<int>(steps);
}

template <class Map, class Key>
uint32_t NumberOf(Map* map, const Key& key, bool* is_new) {
  const auto [place, inserted] =
      map->try_emplace(key, static_cast<uint32_t>(map->size()));
  *is_new = inserted;
  return place->second;
}

}  // namespace

bool GoesBefore(const Row& a, const Row& b) {
  return TurnKey(a.priority, a.time, a.run) <
         TurnKey(b.priority, b.time, b.run);
}

const UnplannedWords& WordsOf(Unplanned why) {
  // In the order of the enum.
  static constexpr UnplannedWords kWords[] = {
      {"kind", "of kinds that are not batched"},
      {"not_queued", "no longer waiting"},
      {"scheduled", "scheduled for later"},
      {"alone", "to be tried alone after a failure"},
      {"too_various",
       "with controls beyond the 65,535 names that are told apart"},
      {"no_worker", "that no worker can do"},
  };
  return kWords[static_cast<int>(why) - 1];
}

ControlSpan SpanOf(uint16_t control, int steps, double start, double end) {
  ControlSpan span{control, 0, 0};
  bool found = false;
  for (int i = 0; i < steps; ++i) {
    const double n = steps;
    if (i / n < start || (i + 1) / n > end) continue;
    if (!found) span.first = static_cast<uint16_t>(i);
    found = true;
    span.last = static_cast<uint16_t>(i + 1);
  }
  return span;
}

ShapeTable::ShapeTable(Options options) : options_(std::move(options)) {}

const ModelFacts& ShapeTable::FactsOf(const RunParams& params) const {
  static const auto* const kUnknown = new ModelFacts();
  return options_.models == nullptr ? *kUnknown : options_.models->Of(params);
}

uint32_t ShapeTable::Intern(const RunParams& params) {
  const std::vector<LiveControl> live = LiveControls(params);
  Shape shape;
  shape.key = InternKey(params);
  shape.signature = InternSignature(live);
  text_.clear();
  AppendSettings({"", &params, &FactsOf(params).defaults}, &text_);
  bool is_new = false;
  shape.settings = NumberOf(&settings_ids_, text_, &is_new);
  shape.cost = InternCost(params, live, keys_[shape.key].work);
  const std::string name(reinterpret_cast<const char*>(&shape), sizeof(shape));
  const uint32_t id = NumberOf(&shape_ids_, name, &is_new);
  if (is_new) shapes_.push_back(shape);
  return id;
}

uint32_t ShapeTable::InternKey(const RunParams& params) {
  const auto& [defaults, capability] = FactsOf(params);
  const std::string model = params.model.value_or(defaults.model.value_or(""));
  const std::string vae = params.vae.value_or(defaults.vae.value_or(""));
  text_.clear();
  AppendKey({"", &params, &defaults}, capability, &text_);
  bool is_new = false;
  const uint32_t id = NumberOf(&key_ids_, text_, &is_new);
  if (is_new) {
    BatchKey key{text_, Sha256Hex(text_).substr(0, 16), model, vae};
    key.width = params.width.value_or(defaults.width.value_or(0));
    key.height = params.height.value_or(defaults.height.value_or(0));
    key.disabled = capability == Capability::kDisabled;
    key.loaded =
        NumberOf(&loaded_ids_, absl::StrCat(model, "\n", vae), &is_new);
    key.work = InternWork(key);
    keys_.push_back(std::move(key));
  }
  return id;
}

uint32_t ShapeTable::InternWork(const BatchKey& key) {
  bool is_new = false;
  Work work{key.model, key.width, key.height};
  const uint32_t id = NumberOf(&work_ids_, work, &is_new);
  if (is_new) works_.push_back(std::move(work));
  return id;
}

uint32_t ShapeTable::InternCost(const RunParams& params,
                                const std::vector<LiveControl>& live,
                                uint32_t work) {
  CostClass cost;
  cost.work = work;
  const RunParams& defaults = FactsOf(params).defaults;
  const int steps = StepsOf(params, defaults, options_.steps_default);
  const double guidance = params.guidance.value_or(
      defaults.guidance.value_or(options_.guidance_default));
  cost.steps = static_cast<uint16_t>(steps);
  cost.width = guidance > 1 ? 2 : 1;
  for (const LiveControl& control : live) {
    const ControlSpan span =
        SpanOf(InternControl(control.type), steps, control.start, control.end);
    if (span.first < span.last) cost.controls.push_back(span);
  }
  std::sort(cost.controls.begin(), cost.controls.end());
  bool is_new = false;
  const uint32_t id = NumberOf(&cost_ids_, cost, &is_new);
  if (is_new) costs_.push_back(std::move(cost));
  return id;
}

uint32_t ShapeTable::InternSignature(const std::vector<LiveControl>& live) {
  std::vector<uint16_t> names;
  for (const LiveControl& control : live) {
    const uint16_t id = InternControl(control.type);
    if (names.empty() || names.back() != id) names.push_back(id);
  }
  bool is_new = false;
  const uint32_t id = NumberOf(&signature_ids_, names, &is_new);
  if (is_new) signatures_.push_back(std::move(names));
  return id;
}

bool ShapeTable::HasRoomFor(const RunParams& params) const {
  return controls_.size() + params.controls.size() + params.weights.size() <=
         kControlsMax;
}

uint16_t ShapeTable::InternControl(const std::string& name) {
  const auto [place, inserted] =
      control_ids_.try_emplace(name, static_cast<uint16_t>(controls_.size()));
  if (inserted) {
    SHEAF_CHECK(controls_.size() < kControlsMax);
    controls_.push_back(name);
  }
  return place->second;
}

uint32_t RowSet::Owner(std::string_view name) {
  const auto [place, inserted] = owner_ids_.try_emplace(
      std::string(name), static_cast<uint32_t>(owners.size()));
  if (inserted) owners.emplace_back(name);
  return place->second;
}

void RowSet::Add(const Run& run, std::string_view kind, std::string_view owner,
                 const RunParams& params, absl::Time now) {
  if (!IsBatchable(kind)) {
    ++unplanned[Unplanned::kKind];
  } else if (run.state != RunState::kQueued || run.cancel_requested) {
    ++unplanned[Unplanned::kNotQueued];
  } else if (run.run_time > now) {
    ++unplanned[Unplanned::kScheduled];
  } else if (run.alone) {
    ++unplanned[Unplanned::kAlone];
  } else if (!shapes.HasRoomFor(params)) {
    ++unplanned[Unplanned::kTooVarious];
  } else {
    rows.push_back({run.id.value, Milliseconds(run.run_time),
                    Milliseconds(run.start_deadline), params.seed.value_or(0),
                    shapes.Intern(params), Owner(owner), run.priority});
  }
}

void RowSet::Sort() {
  if (std::is_sorted(rows.begin(), rows.end(), &GoesBefore)) return;
  std::sort(rows.begin(), rows.end(), &GoesBefore);
}

}  // namespace sheaf::batching
