// The configuration of a scheduler: the keys of scheduler_config.json, each
// with the default of its class. Classes differ in their defaults, so the same
// file means different things to different classes: a missing key takes the
// default of the class that reads the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/weights/config.h"

namespace sheaf::engine {

enum class SchedulerClass {
  kDdim,
  kDdpm,
  kPndm,
  kLcm,
  kTcd,
  kEuler,
  kEulerAncestral,
  kLms,
  kHeun,
  kKdpm2,
  kKdpm2Ancestral,
  kDpmSolverSde,
  kDpmSolverMultistep,
  kDpmSolverSinglestep,
  kDeis,
  kUniPc,
  kSaSolver,
  kEdmEuler,
  kEdmDpmSolverMultistep,
};
inline constexpr int kSchedulerClassCount = 19;

// "EulerDiscreteScheduler"...
std::string_view NameOf(SchedulerClass scheduler);
// None for a class that is not ours. "DDIMParallelScheduler" and the like,
// which do not differ here, are read as their plain relatives.
std::optional<SchedulerClass> SchedulerClassNamed(std::string_view name);

enum class Prediction { kEpsilon, kSample, kVelocity };
enum class Spacing { kLinspace, kLeading, kTrailing };
// How the noise levels lie between the first and the last.
enum class SigmaCurve { kTable, kKarras, kExponential, kBeta, kLu };
enum class BetaCurve {
  kLinear,
  kScaledLinear,
  kCosine,
  kExponential,
  kLaplace,
  kSigmoid
};

// A plain value. Keys that a class does not know keep their neutral value.
struct SchedulerConfig {
  SchedulerClass scheduler = SchedulerClass::kEuler;

  int train_steps = 1000;
  double beta_start = 0.0001;
  double beta_end = 0.02;
  BetaCurve beta_curve = BetaCurve::kLinear;
  std::vector<double> trained_betas;
  bool zero_snr = false;

  Prediction prediction = Prediction::kEpsilon;
  Spacing spacing = Spacing::kLinspace;
  int steps_offset = 0;
  SigmaCurve curve = SigmaCurve::kTable;
  std::optional<double> sigma_min;
  std::optional<double> sigma_max;
  // If false, the last level is the table's smallest or, in some classes with a
  // sigma curve, the curve's last (see grid.cc).
  bool final_sigma_is_zero = true;
  std::optional<double> lambda_min_clipped;

  bool thresholding = false;
  double threshold_ratio = 0.995;
  double sample_max = 1.0;
  bool clip_sample = false;
  double clip_range = 1.0;

  // For the classes named only.
  bool alpha_to_one = true;                // DDIM, PNDM, LCM, TCD
  bool skip_prk_steps = false;             // PNDM
  std::string variance_type;               // DDPM
  int original_steps = 50;                 // LCM, TCD
  double timestep_scaling = 10.0;          // LCM
  bool log_linear_sigmas = false;          // Euler
  bool continuous_steps = false;           // Euler
  int solver_order = 2;                    // DPM, DEIS, UniPC
  std::string algorithm;                   // DPM, SA
  bool heun_type = false;                  // DPM; false: midpoint
  bool lower_order_final = true;           // DPM, DEIS, UniPC, SA
  bool euler_at_final = false;             // DPM
  bool predict_x0 = true;                  // UniPC
  bool bh1 = false;                        // UniPC; false: bh2
  std::vector<int64_t> disable_corrector;  // UniPC
  int predictor_order = 2;                 // SA
  int corrector_order = 2;                 // SA
  double sigma_data = 0.5;                 // EDM
  double rho = 7.0;                        // EDM
};

// INVALID_ARGUMENT names file and key: a value of the wrong type, one that is
// unknown, more than one sigma curve at once.
absl::StatusOr<SchedulerConfig> ReadSchedulerConfig(SchedulerClass scheduler,
                                                    const Config& config);

}  // namespace sheaf::engine
