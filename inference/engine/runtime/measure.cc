#include "inference/engine/runtime/measure.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "inference/engine/image/png.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/runtime/model_cache.h"
#include "inference/engine/runtime/self_test.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/tensor/accelerator.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {
namespace {

constexpr int kTimes = 5;  // Runs for a median, if there is time.
// Runs go on for so long even if that makes more of them: a few that take a
// millisecond each are mostly noise.
constexpr absl::Duration kTimedLeast = absl::Milliseconds(50);
constexpr absl::Duration kWarmUp = absl::Milliseconds(500);
constexpr double kFigureShare = 0.1;  // A figure's share of the budget.
constexpr int kManyRuns = 4;          // Runs that begin together.
constexpr int kControlRowsMax = 4;
constexpr int kProgramSteps = 20;
constexpr double kLeastMs = 0.01;
// The tolerance in half precision and on devices that choose kernels by the
// batch's size: there the last bits depend on the batch.
constexpr double kRoughly = 0.02;

double MedianOf(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

struct Measuring::Bench {
  ModelCache* cache;
  std::shared_ptr<LoadedModel> loaded;
  RunRequest request;  // Begin() sets its guidance, prompt and seed.
  std::optional<Row> row;
  int prompts = 0;  // Made up so far: no two are alike.

  absl::StatusOr<Row> Begin(double guidance) {
    request.guidance = guidance;
    request.prompt = absl::StrCat("measure ", ++prompts);
    request.seed = static_cast<uint64_t>(prompts);
    return BeginRow(*loaded->model, request);
  }
};

Measuring::Measuring(ModelCache* cache, MeasureRequest wanted)
    : wanted_(std::move(wanted)), bench_(std::make_unique<Bench>()) {
  bench_->cache = cache;
  // The last figure is found first. Steps plan the figures that follow them.
  figures_ = {{"steps of 1 row", true, [this] { return TimeStep(1); }},
              {"pictures", true, [this] { return TimeDecode(); }},
              {"prompts", true, [this]() -> absl::Status {
                 SHEAF_RETURN_IF_ERROR(TimeEncode(1));
                 return TimeEncode(kManyRuns);
               }}};
  figures_.push_back({"warming up", true, [this] { return WarmUp(); }});
  if (wanted_.self_test) {
    figures_.push_back(
        {"the self-test of rows", false, [this] { return TestRows(); }});
  }
  figures_.push_back({"loading", true, [this] { return Load(); }});
}

Measuring::~Measuring() = default;

absl::StatusOr<bool> Measuring::Advance() {
  while (!figures_.empty()) {
    const Figure figure = std::move(figures_.back());
    figures_.pop_back();
    if (!figure.needed && spent_ >= wanted_.budget) {
      found_.left_out.push_back(absl::StrCat(figure.name, ": time"));
      continue;
    }
    const absl::Time begin = absl::Now();
    const absl::Status status = figure.find();
    spent_ += absl::Now() - begin;
    if (absl::IsResourceExhausted(status) && !figure.needed) {
      found_.left_out.push_back(absl::StrCat(figure.name, ": memory"));
      continue;
    }
    if (!status.ok()) figures_.clear();
    SHEAF_RETURN_IF_ERROR(status);
    return true;
  }
  return false;
}

// The first run is a warm-up and does not count, unless it took all the time
// there is.
absl::StatusOr<double> Measuring::Median(
    const std::function<absl::Status()>& action) {
  const absl::Duration share = wanted_.budget * kFigureShare;
  std::vector<double> times;
  const absl::Time since = absl::Now();
  for (int i = 0; i <= kTimes || absl::Now() - since < kTimedLeast; ++i) {
    const absl::Time begin = absl::Now();
    SHEAF_RETURN_IF_ERROR(action());
    SHEAF_RETURN_IF_ERROR(Guard("waiting for the device",
                                [&] { Synchronize(bench_->cache->device()); }));
    times.push_back(absl::ToDoubleMilliseconds(absl::Now() - begin));
    if (absl::Now() - since > share) break;
  }
  if (times.size() > 1) times.erase(times.begin());
  return MedianOf(std::move(times));
}

absl::StatusOr<double> Measuring::MedianStep(const Row& row, int rows) {
  std::vector<Row> copies;
  return Median([&] {
    if (copies.empty() || copies.front().done()) {
      copies.assign(static_cast<size_t>(rows), row);
    }
    std::vector<Row*> all;
    for (Row& copy : copies) all.push_back(&copy);
    return bench_->loaded->engine.Step(all);
  });
}

absl::Status Measuring::Load() {
  Bench& bench = *bench_;
  SHEAF_ASSIGN_OR_RETURN(bench.loaded, bench.cache->Get(wanted_.model));
  const Model& model = *bench.loaded->model;
  found_.load = bench.loaded->load_ms;
  const int side = model.traits.native_side;
  found_.width = wanted_.width > 0 ? wanted_.width : side;
  found_.height = wanted_.height > 0 ? wanted_.height : side;
  found_.own_size = found_.width == side && found_.height == side;
  RunRequest& request = bench.request;
  SHEAF_ASSIGN_OR_RETURN(request.scheduler,
                         ResolveScheduler("auto", model.scheduler, Config()));
  request.steps = kProgramSteps;
  request.width = found_.width;
  request.height = found_.height;
  // The simplest of the model's tasks, with the pictures that it needs.
  if (!model.traits.tasks.empty()) request.task = model.traits.tasks.front();
  if (request.task != Task::kText) {
    request.image = MakeImage(found_.width, found_.height, 3, 128);
  }
  if (request.task == Task::kInpaint) {
    request.mask = MakeImage(found_.width, found_.height, 3, 255);
  }
  SHEAF_ASSIGN_OR_RETURN(bench.row, bench.Begin(1));
  return absl::OkStatus();
}

// A device that has rested is slow at first: its clock is low, threads sleep,
// memory was never touched. Work finds it warm.
absl::Status Measuring::WarmUp() {
  const absl::Duration time = std::min(kWarmUp, wanted_.budget * kFigureShare);
  const absl::Time end = absl::Now() + time;
  Row row = *bench_->row;
  while (absl::Now() < end) {
    if (row.done()) row = *bench_->row;
    SHEAF_RETURN_IF_ERROR(bench_->loaded->engine.Step({&row}));
  }
  return absl::OkStatus();
}

absl::Status Measuring::TestRows() {
  LoadedModel& loaded = *bench_->loaded;
  SHEAF_ASSIGN_OR_RETURN(Row other, bench_->Begin(7.5));
  const Placement& placement = loaded.model->options.placement;
  const bool exact = placement.device.is_cpu() && placement.dtype == at::kFloat;
  SHEAF_ASSIGN_OR_RETURN(
      found_.rows_agree,
      RowsAgree({*bench_->row, std::move(other)}, exact ? 0 : kRoughly,
                [&](const std::vector<Row*>& rows) {
                  return loaded.engine.Step(rows);
                }));
  loaded.rows_agree = found_.rows_agree;
  return absl::OkStatus();
}

absl::Status Measuring::TimeEncode(int runs) {
  const auto begin_all = [&]() -> absl::Status {
    for (int i = 0; i < runs; ++i) {
      SHEAF_RETURN_IF_ERROR(bench_->Begin(7.5).status());
    }
    return absl::OkStatus();
  };
  SHEAF_ASSIGN_OR_RETURN(found_.encodes[runs], Median(begin_all));
  return absl::OkStatus();
}

absl::Status Measuring::TimeDecode() {
  const auto develop = [&]() -> absl::Status {
    SHEAF_ASSIGN_OR_RETURN(
        const std::vector<Image> images,
        DecodePictures(*bench_->loaded->model, {bench_->row->sample()}, {}));
    return EncodePng(images.front(), {}).status();
  };
  SHEAF_ASSIGN_OR_RETURN(found_.decode, Median(develop));
  return absl::OkStatus();
}

absl::Status Measuring::TimeStep(int rows) {
  const RowStepper& engine = bench_->loaded->engine;
  engine.ForgetLimits();
  const auto median = MedianStep(*bench_->row, rows);
  const bool split = engine.together().ran_out > 0;
  engine.ForgetLimits();
  if (rows > 1 && (split || absl::IsResourceExhausted(median.status()))) {
    PlanControls();
    return absl::ResourceExhaustedError("they do not fit together");
  }
  SHEAF_RETURN_IF_ERROR(median.status());
  found_.steps[rows] = *median;
  PlanStep();
  return absl::OkStatus();
}

void Measuring::PlanStep() {
  const auto rows =
      wanted_.next_rows ? wanted_.next_rows(found_.steps) : std::nullopt;
  if (!rows || *rows <= found_.steps.rbegin()->first) return PlanControls();
  figures_.push_back({absl::StrCat("steps of ", *rows, " rows"), false,
                      [this, rows] { return TimeStep(*rows); }});
}

void Measuring::PlanControls() {
  for (const auto& [type, folder] : wanted_.controls) {
    for (const auto& [rows, ms] : found_.steps) {
      if (rows > kControlRowsMax) break;
      figures_.push_back({absl::StrCat("control ", type, " of ", rows, " rows"),
                          false,
                          [this, type = type, folder = folder, rows = rows] {
                            return TimeControl(type, folder, rows);
                          }});
    }
  }
}

absl::Status Measuring::TimeControl(const std::string& type,
                                    const std::string& folder, int rows) {
  Bench& bench = *bench_;
  ControlRequest control;
  SHEAF_ASSIGN_OR_RETURN(control.net,
                         bench.cache->GetControl(bench.loaded.get(), folder));
  control.image = MakeImage(found_.width, found_.height, 3, 128);
  bench.request.controls = {control};
  const auto begun = bench.Begin(1);
  bench.request.controls.clear();
  SHEAF_RETURN_IF_ERROR(begun.status());
  SHEAF_ASSIGN_OR_RETURN(const double with, MedianStep(*begun, rows));
  // Noise in the measured times can make their difference anything, but no
  // control is free.
  found_.controls[type][rows] =
      std::max(kLeastMs, with - found_.steps.at(rows));
  return absl::OkStatus();
}

}  // namespace sheaf::engine
