// A compiled scheduler: everything that turns the model's outputs into the next
// sample, as numbers.
//
// Every useful scheduler is affine in the sample, the model's output, what it
// remembers and its noise. So each call of the model gets a small table of
// coefficients, computed once in double on the host, and one executor applies
// the tables of all schedulers. Rows of a batch may have different programs and
// different progress: a row's whole state between calls is its registers and a
// step number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sheaf::engine {

// The vectors, each as large as the sample, that a step may read. Each call
// sets kOutput and kPrediction, and kNoise where it draws noise. The others
// keep their values between calls and, except for kSample, begin as zeros.
enum class Register : uint8_t {
  kSample,
  kOutput,      // The model's, guidance applied.
  kPrediction,  // The predicted clean sample, after Step::post.
  kNoise,       // Fresh, unit variance; only where Step::draws_noise.
  kSaved,       // A sample from an earlier call.
  kSavedNoise,  // A noise, or a sum, from an earlier call.
  kHistory0,    // Predictions or outputs, newest first.
  kHistory1,
  kHistory2,
  kHistory3,
};
inline constexpr int kRegisterCount = 10;

// A sum of registers: coefficients by register.
using Coefficients = std::array<double, kRegisterCount>;

// A change to the predicted clean sample before it is used: the only part that
// is not affine.
struct PostOp {
  enum class Kind { kNone, kClamp, kThreshold };
  Kind kind = Kind::kNone;
  // kClamp: to [-limit, limit]. kThreshold: with s = the `ratio` quantile of
  // |x| over the row, held between 1 and `limit`: clamp to [-s, s], divide by
  // s.
  double limit = 1.0;
  double ratio = 0.995;
};

// One call of the model and the updates that follow it.
struct Step {
  double timestep = 0;     // An input of the model; may be fractional.
  double input_scale = 1;  // The model sees input_scale * sample.
  // The predicted clean sample is predict_sample * sample + predict_output *
  // output, changed by `post`. A preview shows it, too.
  double predict_sample = 0;
  double predict_output = 0;
  PostOp post;
  // The registers that change. All right-hand sides are read before any is
  // written.
  struct Assignment {
    Register target;
    Coefficients terms;
  };
  std::vector<Assignment> updates;
  // Whether a noise must be drawn, in the order of steps. Drawn even where its
  // coefficient is 0, since the generator's stream depends on it.
  bool draws_noise = false;
};

// A clean sample made noisy: sample * clean + noise * drawn.
struct Renoise {
  double sample = 1;
  double noise = 0;
};

// Immutable; shared by rows and threads.
struct Program {
  // From CompileOptions::begin on.
  std::vector<Step> steps;
  // The sample to begin with is init_scale * noise or, where a clean sample is
  // given, that sample made noisy by renoise[0].
  double init_scale = 1;
  // For each step, how noisy its input is; and one more for the clean sample
  // after the last step.
  std::vector<Renoise> renoise;

  // The timesteps and levels of the whole schedule, from call 0 on even where
  // `begin` is later: for windows, cut-offs and comparisons.
  std::vector<double> timesteps;
  std::vector<double> sigmas;  // Empty where the class has none.
  int begin = 0;
  // Calls for each of the steps the user counts, except that the last step has
  // one: 2 for Heun and its relatives.
  int calls_per_step = 1;
};

}  // namespace sheaf::engine
