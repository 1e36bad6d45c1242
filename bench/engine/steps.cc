#include "bench/engine/steps.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/families/unet/conditioner.h"
#include "inference/engine/families/unet/denoiser.h"
#include "inference/engine/pipeline/noise.h"
#include "inference/engine/schedule/compile.h"
#include "inference/engine/tensor/accelerator.h"
#include "inference/engine/tensor/guard.h"

namespace sheaf::engine {

absl::StatusOr<Steps> Steps::Make(const BenchModel& model,
                                  const Placement& placement) {
  Steps steps;
  steps.model_ = &model;
  steps.device_ = placement.device;
  absl::Status made;
  SHEAF_RETURN_IF_ERROR(Guard("making up a model", [&] {
    auto unet = MakeUpUNet(model, placement);
    made = unet.status();
    if (!unet.ok()) return;
    steps.denoiser_ = std::make_shared<UNetDenoiser>(*std::move(unet));
  }));
  SHEAF_RETURN_IF_ERROR(made);
  SHEAF_ASSIGN_OR_RETURN(const Config json,
                         Config::Parse(kBenchScheduler, "the scheduler"));
  SHEAF_ASSIGN_OR_RETURN(const SchedulerConfig scheduler,
                         ReadSchedulerConfig(SchedulerClass::kEuler, json));
  SHEAF_ASSIGN_OR_RETURN(steps.program_,
                         Compile(scheduler, {.steps = kBenchSteps}));
  return steps;
}

absl::Status Steps::Begin(int64_t rows) {
  const int64_t side = model_->side;
  fresh_.clear();
  rows_.clear();
  return Guard("making rows", [&] {
    for (int64_t i = 0; i < rows; ++i) {
      const auto made_up = [&](const char* what, at::IntArrayRef shape) {
        const auto count = static_cast<size_t>(c10::multiply_integers(shape));
        return FromVector(MadeUp(absl::StrCat(what, ".", i), count), shape)
            .to(device_);
      };
      RowStart start;
      start.program = program_;
      start.sample = made_up("sample", {4, side, side}) * program_->init_scale;
      auto conditioning = std::make_shared<UNetConditioning>();
      conditioning->context =
          made_up("context", {kBenchTokens, model_->context_width});
      start.branches.push_back({.conditioning = std::move(conditioning)});
      fresh_.emplace_back(std::move(start));
    }
    rows_ = fresh_;
  });
}

absl::StatusOr<std::vector<double>> Steps::Make(int count) {
  const RowStepper engine(denoiser_);
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    if (rows_.front().done()) rows_ = fresh_;
    std::vector<Row*> stepping;
    for (Row& row : rows_) stepping.push_back(&row);
    SHEAF_RETURN_IF_ERROR(Wait());
    const auto begin = std::chrono::steady_clock::now();
    SHEAF_RETURN_IF_ERROR(engine.Step(stepping));
    SHEAF_RETURN_IF_ERROR(Wait());
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin;
    times.push_back(took.count());
  }
  return times;
}

absl::Status Steps::Wait() const {
  return Guard("waiting for the device", [&] { Synchronize(device_); });
}

std::vector<float> Steps::Sample() const {
  return ToVector(rows_.front().sample());
}

}  // namespace sheaf::engine
