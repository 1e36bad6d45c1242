#include "inference/engine/schedule/compile.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/schedule/emit.h"

namespace sheaf::engine {
namespace {

using enum SchedulerClass;

absl::StatusOr<Program> Emit(const SchedulerConfig& config,
                             const CompileOptions& options) {
  switch (config.scheduler) {
    case kDdim:
      return EmitDdim(config, options);
    case kDdpm:
      return EmitDdpm(config, options);
    case kPndm:
      return EmitPndm(config, options);
    case kLcm:
      return EmitLcm(config, options);
    case kTcd:
      return EmitTcd(config, options);
    case kEuler:
    case kEulerAncestral:
    case kEdmEuler:
      return EmitEuler(config, options);
    case kLms:
      return EmitLms(config, options);
    case kHeun:
      return EmitHeun(config, options);
    case kKdpm2:
    case kKdpm2Ancestral:
      return EmitKdpm2(config, options);
    case kDpmSolverSde:
      return EmitDpmSde(config, options);
    case kDpmSolverMultistep:
    case kEdmDpmSolverMultistep:
      return EmitDpmMultistep(config, options);
    case kDpmSolverSinglestep:
      return EmitDpmSinglestep(config, options);
    case kDeis:
      return EmitDeis(config, options);
    case kUniPc:
      return EmitUniPc(config, options);
    case kSaSolver:
      return EmitSaSolver(config, options);
  }
  return absl::InternalError("a scheduler class without an emitter");
}

bool TakesTimesteps(const SchedulerConfig& config) {
  switch (config.scheduler) {
    case kEuler:
    case kHeun:
    case kDpmSolverMultistep:
    case kDpmSolverSinglestep:
      return config.curve == SigmaCurve::kTable && !config.log_linear_sigmas;
    case kDdpm:
    case kLcm:
    case kTcd:
      return true;
    default:
      return false;
  }
}

absl::Status CheckTimesteps(const SchedulerConfig& config,
                            const CompileOptions& options) {
  if (!TakesTimesteps(config)) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(NameOf(config.scheduler)),
                     " as configured takes no list of timesteps"));
  }
  double before = config.train_steps;
  for (const double timestep : options.timesteps) {
    if (!(timestep >= 0) || !(timestep < before)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "timesteps must fall from below ", config.train_steps,
          " to 0 or above, but there is ", timestep, " after ", before));
    }
    before = timestep;
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const SchedulerConfig& config,
                          const CompileOptions& options) {
  if (options.steps < 1 || options.steps > config.train_steps) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.steps, " steps, not between 1 and ", config.train_steps));
  }
  if (options.begin < 0) {
    return absl::InvalidArgumentError("begins before the first call");
  }
  const double eta = options.eta.value_or(0);
  if (!(eta >= 0 && eta <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("eta is ", eta, ", not between 0 and 1"));
  }
  if (options.timesteps.empty()) return absl::OkStatus();
  return CheckTimesteps(config, options);
}

bool IsFinite(const Step& step) {
  // Whether a float can hold the value: executors compute with floats.
  const auto fits = [](double value) {
    return std::fabs(value) <= std::numeric_limits<float>::max();
  };
  bool finite = fits(step.timestep) && fits(step.input_scale) &&
                fits(step.predict_sample) && fits(step.predict_output);
  for (const Step::Assignment& update : step.updates) {
    for (const double term : update.terms) finite = finite && fits(term);
  }
  return finite;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Program>> Compile(
    const SchedulerConfig& config, const CompileOptions& asked) {
  CompileOptions options = asked;
  if (!options.timesteps.empty()) {
    options.steps = static_cast<int>(options.timesteps.size());
  }
  SHEAF_RETURN_IF_ERROR(CheckOptions(config, options));
  SHEAF_ASSIGN_OR_RETURN(Program program, Emit(config, options));
  program.begin = options.begin;
  if (program.steps.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "begins at call ", options.begin, " of ", program.timesteps.size()));
  }
  for (size_t i = 0; i < program.steps.size(); ++i) {
    if (IsFinite(program.steps[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbsl(NameOf(config.scheduler)), " as configured divides by zero at ",
        "step ", i + 1, " of ", program.steps.size(),
        ": its prediction type, final sigma or order do not fit together"));
  }
  return std::make_shared<const Program>(std::move(program));
}

}  // namespace sheaf::engine
