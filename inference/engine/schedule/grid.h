// The points a schedule visits: timesteps and noise levels, noisy to clean.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/schedule/compile.h"
#include "inference/engine/schedule/noise_levels.h"
#include "inference/engine/schedule/scheduler_config.h"

namespace sheaf::engine {

// Values are in double and hold what the reference holds in single precision.
struct Grid {
  std::vector<double> timesteps;  // One per step.
  std::vector<double> sigmas;     // One more: the level after the last step.
};

// Rounds to single precision, in which the reference keeps its levels.
double Rounded(double value);

// Euler and its relatives: any fractional timestep, levels interpolated at the
// timesteps first and bent to a curve afterwards.
Grid MakeKarrasSpaceGrid(const SchedulerConfig& config,
                         const TrainLevels& levels,
                         const CompileOptions& options);

// DPM-Solver and its relatives: whole timesteps, curves over the whole table.
Grid MakeMultistepGrid(const SchedulerConfig& config, const TrainLevels& levels,
                       const CompileOptions& options);

// Models trained after EDM: levels from the configuration alone, timesteps of
// log(sigma) / 4.
Grid MakeEdmGrid(const SchedulerConfig& config, const CompileOptions& options);

// The scale of the noise to begin with, for grids of MakeKarrasSpaceGrid.
double KarrasSpaceInitScale(const SchedulerConfig& config, const Grid& grid);

}  // namespace sheaf::engine
