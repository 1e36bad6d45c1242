// The emitters and the parts that they share. There is one per family of
// schedulers; it turns a configuration into the steps of a program. Internal to
// the compiler.
#pragma once

#include "absl/status/statusor.h"
#include "inference/engine/schedule/compile.h"
#include "inference/engine/schedule/form.h"
#include "inference/engine/schedule/grid.h"
#include "inference/engine/schedule/noise_levels.h"
#include "inference/engine/schedule/program.h"

namespace sheaf::engine {

// Integer timesteps and cumulative alphas.
absl::StatusOr<Program> EmitDdim(const SchedulerConfig&, const CompileOptions&);
absl::StatusOr<Program> EmitDdpm(const SchedulerConfig&, const CompileOptions&);
absl::StatusOr<Program> EmitPndm(const SchedulerConfig&, const CompileOptions&);
absl::StatusOr<Program> EmitLcm(const SchedulerConfig&, const CompileOptions&);
absl::StatusOr<Program> EmitTcd(const SchedulerConfig&, const CompileOptions&);

// x = clean + sigma * noise, one call per step.
absl::StatusOr<Program> EmitEuler(const SchedulerConfig&,
                                  const CompileOptions&);
absl::StatusOr<Program> EmitLms(const SchedulerConfig&, const CompileOptions&);

// The same, two calls per step.
absl::StatusOr<Program> EmitHeun(const SchedulerConfig&, const CompileOptions&);
absl::StatusOr<Program> EmitKdpm2(const SchedulerConfig&,
                                  const CompileOptions&);
absl::StatusOr<Program> EmitDpmSde(const SchedulerConfig&,
                                   const CompileOptions&);

// x = alpha * clean + sigma_t * noise, in terms of the log of their ratio.
absl::StatusOr<Program> EmitDpmMultistep(const SchedulerConfig&,
                                         const CompileOptions&);
absl::StatusOr<Program> EmitDpmSinglestep(const SchedulerConfig&,
                                          const CompileOptions&);
absl::StatusOr<Program> EmitDeis(const SchedulerConfig&, const CompileOptions&);
absl::StatusOr<Program> EmitUniPc(const SchedulerConfig&,
                                  const CompileOptions&);
absl::StatusOr<Program> EmitSaSolver(const SchedulerConfig&,
                                     const CompileOptions&);

// Thresholding if the configuration asks for it; otherwise clipping, if `clips`
// and the configuration asks for it; otherwise kNone.
PostOp PostOf(const SchedulerConfig& config, bool clips);

// The clean sample that follows from the model's output, where sample = alpha *
// clean + sigma * noise and `prediction` says what the output is.
Form CleanSample(Prediction prediction, double alpha, double sigma);
// The noise that follows from the output, exactly (not by way of a clipped
// clean sample).
Form NoiseSample(Prediction prediction, double alpha, double sigma);
// The clean sample where sample = clean + sigma * noise.
Form KarrasClean(Prediction prediction, double sigma);

// The same for models trained after EDM.
Form EdmClean(const SchedulerConfig& config, double sigma);

// A noise level of the alpha, sigma_t, lambda kind.
struct Level {
  double alpha = 1;
  double sigma = 0;
  double lambda = 0;  // log(alpha / sigma); infinite at 0.
};
Level LevelOf(double sigma);

// The levels of an ancestral step from `sigma` to `next`: how much noise to
// add, and the level to reach before that. In single precision, as the
// reference has them: `down` is a small difference of large squares.
struct AncestralLevels {
  double up = 0;
  double down = 0;
};
AncestralLevels AncestralLevelsOf(double sigma, double next);

// The renoise entries and sigmas of a grid, for programs that begin at `begin`.
void FillFromGrid(const Grid& grid, bool karras_space, int begin,
                  Program* program);

}  // namespace sheaf::engine
