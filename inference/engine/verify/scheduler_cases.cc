#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/schedule/compile.h"
#include "inference/engine/schedule/executor.h"
#include "inference/engine/verify/cases.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

struct SchedulerCase {
  std::string name;
  std::string class_name;
  SchedulerConfig config;
  CompileOptions options;
  std::vector<double> timesteps;  // From options.begin on.
  bool integer_timesteps = false;
  std::vector<double> sigmas;
  double init_scale = 1;
  double noises = 0;
  double max_abs = 0;
};

absl::StatusOr<SchedulerCase> ReadCase(const Json& json) {
  const Config line = Config::Of(json, "schedulers/cases.jsonl");
  Config::Reader r(line);
  SchedulerCase result;
  result.name = r.Text("case", "");
  result.class_name = r.Text("class", "");
  result.options.steps = static_cast<int>(r.Int("steps", 0));
  result.options.begin =
      static_cast<int>(r.Int("begin_step", 0) * r.Int("order", 1));
  result.timesteps = r.Doubles("timesteps", {});
  result.integer_timesteps = r.Bool("integer_timesteps", false);
  result.sigmas = r.Doubles("sigmas", {});
  result.init_scale = r.Double("init_noise_sigma", 1);
  result.noises = r.Double("noises", 0);
  result.max_abs = r.Double("max_abs", 0);
  const double eta = r.Double("eta", 0);
  SHEAF_RETURN_IF_ERROR(r.status());
  const auto scheduler = SchedulerClassNamed(result.class_name);
  if (!scheduler) {
    return absl::InvalidArgumentError(result.class_name + " is not known here");
  }
  if (*scheduler == SchedulerClass::kDdim) result.options.eta = eta;
  const Json* config = line.Find("config");
  if (config == nullptr || config->object() == nullptr) {
    return absl::InvalidArgumentError("no config");
  }
  SHEAF_ASSIGN_OR_RETURN(
      result.config,
      ReadSchedulerConfig(*scheduler, Config::Of(*config, result.name)));
  return result;
}

// Keeps the largest error, each measured by its own tolerance. Different
// lengths, and NaN, are infinitely wrong.
class Errors {
 public:
  void Add(double actual, double expected, double tolerance) {
    const double distance = std::fabs(actual - expected);
    const double share = distance == 0 ? 0 : distance / tolerance;
    if (!(share <= most_)) most_ = std::isnan(share) ? INFINITY : share;
  }
  template <typename T, typename Tolerance>
  void AddAll(const std::vector<T>& actual, const std::vector<T>& expected,
              const Tolerance& tolerance) {
    if (actual.size() != expected.size()) most_ = INFINITY;
    for (size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
      Add(actual[i], expected[i], tolerance(expected[i]));
    }
  }
  double most() const { return most_; }

 private:
  double most_ = 0;
};

// One unit in the last place of a timestep, which the reference keeps in single
// precision: at 600 that is 6e-5.
double LastPlace(double timestep) {
  const auto single = static_cast<float>(timestep);
  return std::nextafter(single, INFINITY) - single;
}

// The error that a few roundings of a value and of its coefficient make in the
// next sample, per unit of its size. It is tiny, except where a step goes far
// by a slope that was taken close to the clean end, or begins where there was
// almost no picture: there the reference's own rounding shows.
double RoundingOfSteps(const Program& program) {
  double most = 0;
  for (const Step& step : program.steps) {
    for (const Step::Assignment& update : step.updates) {
      if (update.target != Register::kSample) continue;
      for (const double term : update.terms) {
        most = std::max(most, std::fabs(term));
      }
    }
  }
  return std::ldexp(most, -22);
}

// The model that stands in for the UNet.
std::vector<float> ToyModel(const std::vector<float>& input, double timestep) {
  const auto shift = static_cast<float>(0.1 * std::cos(0.01 * timestep));
  std::vector<float> output;
  for (const float x : input) output.push_back(0.5f * std::tanh(x) + shift);
  return output;
}

void CheckTables(const SchedulerCase& expected, const Program& program,
                 Errors* errors) {
  const std::vector<double> timesteps(
      program.timesteps.begin() +
          std::min<std::ptrdiff_t>(program.begin, program.timesteps.size()),
      program.timesteps.end());
  errors->AddAll(timesteps, expected.timesteps, [&](double timestep) {
    return expected.integer_timesteps ? 0.0 : 1e-4 + LastPlace(timestep);
  });
  errors->AddAll(program.sigmas, expected.sigmas,
                 [](double sigma) { return 1e-6 * std::fabs(sigma); });
  errors->Add(program.init_scale, expected.init_scale,
              1e-6 * expected.init_scale);
}

// The tensors of one case, by their role.
class CaseTensors {
 public:
  CaseTensors(const TensorMap& tensors, std::string name)
      : tensors_(tensors), name_(std::move(name)) {}

  std::vector<float> Vector(const std::string& what) const {
    const auto found = tensors_.find(name_ + "." + what);
    if (found == tensors_.end()) return {};
    return found->second.ToFloats();
  }
  // The same, as rows of `size`.
  std::vector<std::vector<float>> Rows(const std::string& what,
                                       size_t size) const {
    const std::vector<float> all = Vector(what);
    std::vector<std::vector<float>> rows;
    for (size_t at = 0; size > 0 && at + size <= all.size(); at += size) {
      rows.emplace_back(all.begin() + at, all.begin() + at + size);
    }
    return rows;
  }

 private:
  const TensorMap& tensors_;
  const std::string name_;
};

absl::Status CheckTrajectory(const SchedulerCase& expected,
                             const std::shared_ptr<const Program>& program,
                             const CaseTensors& tensors, Errors* errors) {
  std::vector<float> start = tensors.Vector("start");
  // max_abs leaves out the start, from which a zero-SNR schedule falls by three
  // orders of magnitude in its first call.
  double largest = expected.max_abs;
  for (const float x : start) largest = std::max(largest, std::fabs(double{x}));
  const double bound = (5e-6 + RoundingOfSteps(*program)) * largest + 1e-6;
  const auto tolerance = [bound](double) { return bound; };
  const size_t size = start.size();
  const std::vector<float> clean = tensors.Vector("clean");
  const std::vector<float> noise0 = tensors.Vector("noise0");
  if (clean.size() != noise0.size()) {
    return absl::InvalidArgumentError("clean and noise0 differ in size");
  }
  if (!clean.empty()) {
    errors->AddAll(MakeNoisy(program->renoise[0], clean, noise0), start,
                   tolerance);
  }
  const auto inputs = tensors.Rows("inputs", size);
  const auto trajectory = tensors.Rows("trajectory", size);
  const auto noises = tensors.Rows("noise", size);
  errors->Add(static_cast<double>(program->steps.size()),
              static_cast<double>(trajectory.size()), 0);
  RowState row(program, std::move(start));
  size_t drawn = 0;
  for (size_t call = 0; call < trajectory.size() && !row.done(); ++call) {
    const std::vector<float> input = row.Input();
    if (call < inputs.size()) errors->AddAll(input, inputs[call], tolerance);
    std::vector<float> noise;
    if (row.step().draws_noise) {
      if (drawn == noises.size()) {
        return absl::InvalidArgumentError("it has too few noises");
      }
      noise = noises[drawn++];
    }
    row.Advance(ToyModel(input, row.step().timestep), noise);
    errors->AddAll(row.sample(), trajectory[call], tolerance);
  }
  errors->Add(static_cast<double>(drawn), expected.noises, 0);
  return absl::OkStatus();
}

using Files = std::map<std::string, TensorMap>;

absl::Status CheckScheduler(const std::string& folder, const Json& json,
                            Files* files, Outcome* outcome) {
  outcome->tolerance = 1;  // Errors are shares of several tolerances.
  SHEAF_ASSIGN_OR_RETURN(const SchedulerCase expected, ReadCase(json));
  auto found = files->find(expected.class_name);
  if (found == files->end()) {
    SHEAF_ASSIGN_OR_RETURN(
        SafetensorsFile file,
        ReadSafetensors(folder + "/schedulers/" + expected.class_name +
                        ".safetensors"));
    found = files->emplace(expected.class_name, std::move(file.tensors)).first;
  }
  const CaseTensors tensors(found->second, expected.name);
  if (tensors.Vector("start").empty()) {
    return absl::InvalidArgumentError("no tensor " + expected.name + ".start");
  }
  SHEAF_ASSIGN_OR_RETURN(const auto program,
                         Compile(expected.config, expected.options));
  Errors errors;
  CheckTables(expected, *program, &errors);
  SHEAF_RETURN_IF_ERROR(CheckTrajectory(expected, program, tensors, &errors));
  outcome->error = errors.most();
  return absl::OkStatus();
}

}  // namespace

void RunSchedulerCases(CaseList* list) {
  const auto lines = ReadJsonLines(list->folder() + "/schedulers/cases.jsonl");
  if (!lines.ok()) {
    list->Run("schedulers", "schedulers/cases.jsonl",
              [&](Outcome*) { return lines.status(); });
    return;
  }
  Files files;
  for (const Json& line : *lines) {
    const Json* name = line.Find("case");
    const Json* class_name = line.Find("class");
    const auto text = [](const Json* json) {
      return json != nullptr && json->text() != nullptr ? *json->text() : "?";
    };
    list->Run("schedulers",
              absl::StrCat("schedulers/", text(class_name), ".", text(name)),
              [&](Outcome* outcome) {
                return CheckScheduler(list->folder(), line, &files, outcome);
              });
  }
}

}  // namespace sheaf::engine
