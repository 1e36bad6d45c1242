// Steps of the engine, as engine_bench measures them: n rows of one model, each
// with its own noise and prompt, sampled by Euler without guidance.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/engine/made_up.h"
#include "inference/engine/pipeline/row_stepper.h"

namespace sheaf::engine {

inline constexpr int kBenchSteps = 30;
inline constexpr int64_t kBenchTokens = 77;
// The scheduler's configuration; missing settings have its class's defaults.
inline constexpr std::string_view kBenchScheduler =
    R"({"beta_schedule": "scaled_linear", "beta_start": 0.00085,
        "beta_end": 0.012, "timestep_spacing": "leading", "steps_offset": 1})";

// One thread.
class Steps {
 public:
  // Borrows the model's description.
  static absl::StatusOr<Steps> Make(const BenchModel& model,
                                    const Placement& placement);

  // Takes up `rows` new rows at their first step.
  absl::Status Begin(int64_t rows);
  // Makes `count` steps and returns the milliseconds of each, until the device
  // has done it. Rows that have made all their steps start again from the
  // first.
  absl::StatusOr<std::vector<double>> Make(int count);
  // The first row's sample.
  std::vector<float> Sample() const;

 private:
  absl::Status Wait() const;

  const BenchModel* model_ = nullptr;
  at::Device device_ = at::kCPU;
  std::shared_ptr<const Denoiser> denoiser_;
  std::shared_ptr<const Program> program_;
  std::vector<Row> fresh_;
  std::vector<Row> rows_;
};

}  // namespace sheaf::engine
