#include "inference/engine/schedule/scheduler_config.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

using enum SchedulerClass;

constexpr int kTrainStepsMax = 100'000;
constexpr std::string_view kSuffix = "Scheduler";

// A class's name and its own defaults.
struct Row {
  SchedulerClass scheduler;
  std::string_view name;
  bool stable_betas;  // 0.00085 to 0.012, not 0.0001 to 0.02.
  std::string_view beta_schedule;
  std::string_view spacing;
  bool clip_sample;
  bool alpha_to_one;
  bool lower_order_final;
  std::string_view algorithm;
};
constexpr std::array<Row, kSchedulerClassCount> kRows = {{
    {kDdim, "DDIM", false, "linear", "leading", true, true, true, ""},
    {kDdpm, "DDPM", false, "linear", "leading", true, true, true, ""},
    {kPndm, "PNDM", false, "linear", "leading", false, false, true, ""},
    {kLcm, "LCM", true, "scaled_linear", "leading", false, true, true, ""},
    {kTcd, "TCD", true, "scaled_linear", "leading", false, true, true, ""},
    {kEuler, "EulerDiscrete", false, "linear", "linspace", false, true, true,
     ""},
    {kEulerAncestral, "EulerAncestralDiscrete", false, "linear", "linspace",
     false, true, true, ""},
    {kLms, "LMSDiscrete", false, "linear", "linspace", false, true, true, ""},
    {kHeun, "HeunDiscrete", true, "linear", "linspace", false, true, true, ""},
    {kKdpm2, "KDPM2Discrete", true, "linear", "linspace", false, true, true,
     ""},
    {kKdpm2Ancestral, "KDPM2AncestralDiscrete", true, "linear", "linspace",
     false, true, true, ""},
    {kDpmSolverSde, "DPMSolverSDE", true, "linear", "linspace", false, true,
     true, ""},
    {kDpmSolverMultistep, "DPMSolverMultistep", false, "linear", "linspace",
     false, true, true, "dpmsolver++"},
    {kDpmSolverSinglestep, "DPMSolverSinglestep", false, "linear", "linspace",
     false, true, false, "dpmsolver++"},
    {kDeis, "DEISMultistep", false, "linear", "linspace", false, true, true,
     "deis"},
    {kUniPc, "UniPCMultistep", false, "linear", "linspace", false, true, true,
     ""},
    {kSaSolver, "SASolver", false, "linear", "linspace", false, true, true,
     "data_prediction"},
    {kEdmEuler, "EDMEuler", false, "linear", "linspace", false, true, true, ""},
    {kEdmDpmSolverMultistep, "EDMDPMSolverMultistep", false, "linear",
     "linspace", false, true, true, "dpmsolver++"},
}};

const Row& RowOf(SchedulerClass scheduler) {
  return kRows[static_cast<size_t>(scheduler)];
}

bool IsEdm(SchedulerClass scheduler) {
  return scheduler == kEdmEuler || scheduler == kEdmDpmSolverMultistep;
}

// Reads a text, and returns its place among `words` as an enumerator.
template <typename T>
T Choose(Config::Reader* reader, std::string_view key,
         std::string_view otherwise,
         const std::vector<std::string_view>& words) {
  const std::string word = reader->Choice(key, otherwise, words);
  const auto found = std::find(words.begin(), words.end(), word);
  return static_cast<T>(found - words.begin());
}

// Reads a number that is at least `least` and at most kTrainStepsMax.
int Count(Config::Reader* reader, std::string_view key, int otherwise,
          int least) {
  const int64_t value = reader->Int(key, otherwise);
  if (value >= least && value <= kTrainStepsMax) return static_cast<int>(value);
  reader->Fail(key, absl::StrCat("is ", value, ", which is out of range"));
  return otherwise;
}

void ReadBetas(const Row& row, Config::Reader* reader, SchedulerConfig* out) {
  out->train_steps = Count(reader, "num_train_timesteps", 1000, 2);
  out->beta_start =
      reader->Double("beta_start", row.stable_betas ? 0.00085 : 0.0001);
  out->beta_end = reader->Double("beta_end", row.stable_betas ? 0.012 : 0.02);
  out->beta_curve =
      Choose<BetaCurve>(reader, "beta_schedule", row.beta_schedule,
                        {"linear", "scaled_linear", "squaredcos_cap_v2", "exp",
                         "laplace", "sigmoid"});
  out->trained_betas = reader->Doubles("trained_betas", {});
  if (!out->trained_betas.empty()) {
    if (out->trained_betas.size() < 2 ||
        out->trained_betas.size() > kTrainStepsMax) {
      reader->Fail("trained_betas", "has too few or too many elements");
    }
    out->train_steps = static_cast<int>(out->trained_betas.size());
  }
  // Only these classes know the key; the others ignore it.
  for (const SchedulerClass known :
       {kDdim, kDdpm, kLcm, kTcd, kEuler, kEulerAncestral, kDpmSolverMultistep,
        kUniPc}) {
    if (out->scheduler == known) {
      out->zero_snr = reader->Bool("rescale_betas_zero_snr", false);
    }
  }
}

SigmaCurve ReadCurve(SchedulerClass scheduler, Config::Reader* reader) {
  if (scheduler < kEuler || scheduler == kEulerAncestral) {
    return SigmaCurve::kTable;
  }
  std::vector<SigmaCurve> wanted;
  if (reader->Bool("use_karras_sigmas", false)) {
    wanted.push_back(SigmaCurve::kKarras);
  }
  if (reader->Bool("use_exponential_sigmas", false)) {
    wanted.push_back(SigmaCurve::kExponential);
  }
  if (reader->Bool("use_beta_sigmas", false)) {
    wanted.push_back(SigmaCurve::kBeta);
  }
  if (wanted.size() > 1) {
    reader->Fail("use_karras_sigmas",
                 "and use_exponential_sigmas, use_beta_sigmas: only one");
  }
  if (wanted.empty() && scheduler == kDpmSolverMultistep &&
      reader->Bool("use_lu_lambdas", false)) {
    return SigmaCurve::kLu;
  }
  return wanted.empty() ? SigmaCurve::kTable : wanted[0];
}

void ReadEdm(Config::Reader* reader, SchedulerConfig* out) {
  out->sigma_min = reader->Double("sigma_min", 0.002);
  out->sigma_max = reader->Double("sigma_max", 80.0);
  out->sigma_data = reader->Double("sigma_data", 0.5);
  out->rho = reader->Double("rho", 7.0);
  out->curve = reader->Choice("sigma_schedule", "karras",
                              {"karras", "exponential"}) == "karras"
                   ? SigmaCurve::kKarras
                   : SigmaCurve::kExponential;
  if (!(*out->sigma_min > 0) || !(*out->sigma_max > *out->sigma_min)) {
    reader->Fail("sigma_min", "and sigma_max are not 0 < min < max");
  }
}

void ReadSigmas(const Row& row, Config::Reader* reader, SchedulerConfig* out) {
  out->spacing = Choose<Spacing>(reader, "timestep_spacing", row.spacing,
                                 {"linspace", "leading", "trailing"});
  out->steps_offset = Count(reader, "steps_offset", 0, 0);
  out->final_sigma_is_zero = reader->Choice("final_sigmas_type", "zero",
                                            {"zero", "sigma_min"}) == "zero";
  if (IsEdm(out->scheduler)) return ReadEdm(reader, out);
  out->curve = ReadCurve(out->scheduler, reader);
  if (out->scheduler == kEuler || out->scheduler == kUniPc) {
    out->sigma_min = reader->OptionalDouble("sigma_min");
    out->sigma_max = reader->OptionalDouble("sigma_max");
  }
  if (reader->Bool("use_flow_sigmas", false)) {
    reader->Fail("use_flow_sigmas", "is true, which is not supported");
  }
}

// Reads the algorithm. Where the file is of a neighbouring class and names that
// class's algorithm, returns the one of this class.
std::string ReadAlgorithm(const Row& row, Config::Reader* reader) {
  const std::string name = reader->Text("algorithm_type", row.algorithm);
  const bool is_dpm = name == "dpmsolver" || name == "dpmsolver++";
  switch (row.scheduler) {
    case kDpmSolverMultistep:
      if (name == "deis") return "dpmsolver++";
      return reader->Choice(
          "algorithm_type", row.algorithm,
          {"dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"});
    case kDpmSolverSinglestep:
      if (name == "deis") return "dpmsolver++";
      return reader->Choice("algorithm_type", row.algorithm,
                            {"dpmsolver", "dpmsolver++", "sde-dpmsolver++"});
    case kEdmDpmSolverMultistep:
      if (name == "deis") return "dpmsolver++";
      return reader->Choice("algorithm_type", row.algorithm,
                            {"dpmsolver++", "sde-dpmsolver++"});
    case kDeis:
      if (is_dpm) return "deis";
      return reader->Choice("algorithm_type", row.algorithm, {"deis"});
    case kSaSolver:
      return reader->Choice("algorithm_type", row.algorithm,
                            {"data_prediction", "noise_prediction"});
    default:
      return "";
  }
}

void ReadSolver(const Row& row, Config::Reader* reader, SchedulerConfig* out) {
  if (out->scheduler < kDpmSolverMultistep) return;
  const auto order = [&](std::string_view key) {
    const int value = Count(reader, key, 2, 1);
    if (value > 3) reader->Fail(key, "is more than 3");
    return std::min(value, 3);
  };
  out->solver_order = order("solver_order");
  out->algorithm = ReadAlgorithm(row, reader);
  const std::string type = reader->Choice(
      "solver_type", "", {"", "midpoint", "heun", "logrho", "bh1", "bh2"});
  out->heun_type = type == "heun";
  out->bh1 = type == "bh1";
  out->lower_order_final =
      reader->Bool("lower_order_final", row.lower_order_final);
  out->euler_at_final = reader->Bool("euler_at_final", false);
  out->predict_x0 = reader->Bool("predict_x0", true);
  out->disable_corrector = reader->Ints("disable_corrector", {});
  out->predictor_order = order("predictor_order");
  out->corrector_order = order("corrector_order");
  if (row.scheduler == kDpmSolverMultistep ||
      row.scheduler == kDpmSolverSinglestep || row.scheduler == kSaSolver) {
    out->lambda_min_clipped = reader->OptionalDouble("lambda_min_clipped");
  }
  const bool is_noise =
      out->algorithm == "dpmsolver" || out->algorithm == "sde-dpmsolver";
  if (is_noise && out->final_sigma_is_zero) {
    reader->Fail("final_sigmas_type",
                 absl::StrCat("is zero, which ", out->algorithm,
                              " cannot reach: use sigma_min"));
  }
}

}  // namespace

std::string_view NameOf(SchedulerClass scheduler) {
  // Built once: every class name is its short one and the suffix.
  static const auto* names = [] {
    auto* list = new std::array<std::string, kSchedulerClassCount>;
    for (const Row& row : kRows) {
      (*list)[static_cast<size_t>(row.scheduler)] =
          absl::StrCat(ToAbsl(row.name), ToAbsl(kSuffix));
    }
    return list;
  }();
  return (*names)[static_cast<size_t>(scheduler)];
}

std::optional<SchedulerClass> SchedulerClassNamed(std::string_view name) {
  std::string_view stem = name;
  if (stem.size() > kSuffix.size() &&
      stem.substr(stem.size() - kSuffix.size()) == kSuffix) {
    stem.remove_suffix(kSuffix.size());
  }
  if (stem == "DDIMParallel") return kDdim;
  if (stem == "DDPMParallel") return kDdpm;
  for (const Row& row : kRows) {
    if (row.name == stem) return row.scheduler;
  }
  return std::nullopt;
}

absl::StatusOr<SchedulerConfig> ReadSchedulerConfig(SchedulerClass scheduler,
                                                    const Config& config) {
  const Row& row = RowOf(scheduler);
  Config::Reader reader(config);
  SchedulerConfig out;
  out.scheduler = scheduler;
  ReadBetas(row, &reader, &out);
  out.prediction = Choose<Prediction>(&reader, "prediction_type", "epsilon",
                                      {"epsilon", "sample", "v_prediction"});
  ReadSigmas(row, &reader, &out);
  out.thresholding = reader.Bool("thresholding", false);
  out.threshold_ratio = reader.Double("dynamic_thresholding_ratio", 0.995);
  out.sample_max = reader.Double("sample_max_value", 1.0);
  out.clip_sample = reader.Bool("clip_sample", row.clip_sample);
  out.clip_range = reader.Double("clip_sample_range", 1.0);
  out.alpha_to_one = reader.Bool("set_alpha_to_one", row.alpha_to_one);
  out.skip_prk_steps = reader.Bool("skip_prk_steps", false);
  if (scheduler == kDdpm) {
    out.variance_type = reader.Choice(
        "variance_type", "fixed_small",
        {"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"});
  }
  out.original_steps = Count(&reader, "original_inference_steps", 50, 1);
  out.timestep_scaling = reader.Double("timestep_scaling", 10.0);
  if (scheduler == kEuler) {
    out.log_linear_sigmas = reader.Choice("interpolation_type", "linear",
                                          {"linear", "log_linear"}) != "linear";
    out.continuous_steps =
        reader.Choice("timestep_type", "discrete",
                      {"discrete", "continuous"}) != "discrete";
  }
  ReadSolver(row, &reader, &out);
  SHEAF_RETURN_IF_ERROR(reader.status());
  return out;
}

}  // namespace sheaf::engine
