#include "inference/engine/schedule/registry.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/near_word.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

using enum SchedulerClass;

constexpr std::string_view kPlain = "{}";
constexpr std::string_view kMultistep = R"({"algorithm_type": "dpmsolver++"})";
constexpr std::string_view kThird =
    R"({"algorithm_type": "dpmsolver++", "solver_order": 3})";
constexpr std::string_view kSde = R"({"algorithm_type": "sde-dpmsolver++"})";
constexpr std::string_view kSdeHeun =
    R"({"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"})";
constexpr std::string_view kThirdSde =
    R"({"algorithm_type": "sde-dpmsolver++", "solver_order": 3})";
// A model's file may name another class's algorithm.
constexpr std::string_view kData = R"({"algorithm_type": "data_prediction"})";

// An ending that may follow a name.
struct Ending {
  std::string_view name;
  std::string_view overrides;
};
constexpr Ending kEndings[] = {
    {"karras", R"({"use_karras_sigmas": true,
                   "use_exponential_sigmas": false, "use_beta_sigmas": false,
                   "use_lu_lambdas": false})"},
    {"exponential", R"({"use_exponential_sigmas": true,
                   "use_karras_sigmas": false, "use_beta_sigmas": false,
                   "use_lu_lambdas": false})"},
    {"beta", R"({"use_beta_sigmas": true, "use_karras_sigmas": false,
                   "use_exponential_sigmas": false, "use_lu_lambdas": false})"},
    {"lu", R"({"use_lu_lambdas": true, "use_karras_sigmas": false,
                   "use_exponential_sigmas": false, "use_beta_sigmas": false})"},
    {"sgmuniform", R"({"timestep_spacing": "trailing"})"},
    {"trailing", R"({"timestep_spacing": "trailing"})"},
};

// Other programs' names for the same things.
struct Alias {
  std::string_view alias;
  std::string_view name;
};
constexpr Alias kAliases[] = {
    {"euler_ancestral", "Euler a"},
    {"k_euler", "Euler"},
    {"k_euler_a", "Euler a"},
    {"k_heun", "Heun"},
    {"k_lms", "LMS"},
    {"k_dpm_2", "DPM2"},
    {"k_dpm_2_a", "DPM2 a"},
    {"dpm_2_ancestral", "DPM2 a"},
    {"kdpm2", "DPM2"},
    {"dpmpp_2m", "DPM++ 2M"},
    {"dpmpp_2m_sde", "DPM++ 2M SDE"},
    {"dpmpp_3m", "DPM++ 3M"},
    {"dpmpp_3m_sde", "DPM++ 3M SDE"},
    {"dpmpp_2s", "DPM++ 2S"},
    {"dpmpp_2s_a", "DPM++ 2S"},
    {"dpmpp_sde", "DPM++ SDE"},
    {"uni_pc_bh2", "UniPC"},
    {"plms", "PNDM"},
};

// The same text for all the ways in which people type a name: "dpm++ 2m
// karras", "DPM++_2M-Karras".
std::string Normal(std::string_view name) {
  std::string normal;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    normal += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return normal;
}

// Whether a name, as Normal() returns it, means the model's own scheduler.
bool IsOwn(std::string_view normal) {
  return normal.empty() || normal == "auto";
}

struct Found {
  SchedulerClass scheduler;
  std::string_view overrides;
};

std::optional<Found> FindListed(std::string_view normal) {
  for (const SchedulerName& known : SchedulerNames()) {
    if (Normal(known.name) == normal) {
      return Found{known.scheduler, known.overrides};
    }
  }
  return std::nullopt;
}

std::optional<Found> FindPlain(std::string_view normal) {
  if (const auto found = FindListed(normal)) return found;
  for (const Alias& alias : kAliases) {
    if (Normal(alias.alias) == normal) return FindListed(Normal(alias.name));
  }
  for (int i = 0; i < kSchedulerClassCount; ++i) {
    const auto scheduler = static_cast<SchedulerClass>(i);
    const std::string name = Normal(NameOf(scheduler));
    const std::string stem = name.substr(0, name.rfind("scheduler"));
    if (normal == name || normal == stem) return Found{scheduler, kPlain};
  }
  return std::nullopt;
}

Config Parsed(std::string_view overrides) {
  return Config::Parse(overrides, "scheduler name").value();
}

absl::StatusOr<SchedulerClass> ClassOf(const Config& model) {
  Config::Reader reader(model);
  const std::string name = reader.Text("_class_name", "");
  SHEAF_RETURN_IF_ERROR(reader.status());
  if (const auto scheduler = SchedulerClassNamed(name)) return *scheduler;
  return absl::InvalidArgumentError(
      absl::StrCat(model.source(), ": _class_name is ", name,
                   ", which is no scheduler of ours"));
}

absl::Status Unknown(std::string_view name) {
  std::vector<std::string> names = {"auto"};
  for (const SchedulerName& known : SchedulerNames()) {
    names.emplace_back(known.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no scheduler ", ToAbsl(name), DidYouMean(name, names)));
}

}  // namespace

const std::vector<SchedulerName>& SchedulerNames() {
  static const auto* names = new std::vector<SchedulerName>{
      {"Euler", kEuler, kPlain},
      {"Euler a", kEulerAncestral, kPlain},
      {"Heun", kHeun, kPlain},
      {"LMS", kLms, kPlain},
      {"DPM2", kKdpm2, kPlain},
      {"DPM2 a", kKdpm2Ancestral, kPlain},
      {"DPM++ 2M", kDpmSolverMultistep, kMultistep},
      {"DPM++ 2M SDE", kDpmSolverMultistep, kSde},
      {"DPM++ 2M SDE Heun", kDpmSolverMultistep, kSdeHeun},
      {"DPM++ 3M", kDpmSolverMultistep, kThird},
      {"DPM++ 3M SDE", kDpmSolverMultistep, kThirdSde},
      {"DPM++ 2S", kDpmSolverSinglestep, kMultistep},
      {"DPM++ SDE", kDpmSolverSde, kPlain},
      {"DDIM", kDdim, kPlain},
      {"DDPM", kDdpm, kPlain},
      {"PNDM", kPndm, R"({"skip_prk_steps": true})"},
      {"UniPC", kUniPc, kPlain},
      {"DEIS", kDeis, R"({"algorithm_type": "deis"})"},
      {"SA-Solver", kSaSolver, kData},
      {"LCM", kLcm, kPlain},
      {"TCD", kTcd, kPlain},
      {"EDM Euler", kEdmEuler, kPlain},
      {"EDM DPM++ 2M", kEdmDpmSolverMultistep, kMultistep},
  };
  return *names;
}

std::string SamplerName(std::string_view name, std::string_view own) {
  return std::string(IsOwn(Normal(name)) && !own.empty() ? own : name);
}

std::string OwnSchedulerName(const Config& model) {
  const auto scheduler = ClassOf(model);
  if (!scheduler.ok()) return "";
  std::string name(NameOf(*scheduler));
  for (const SchedulerName& known : SchedulerNames()) {
    if (known.scheduler != *scheduler) continue;
    name = std::string(known.name);
    break;
  }
  Config::Reader reader(model);
  if (reader.Bool("use_karras_sigmas", false)) name += " Karras";
  return name;
}

absl::StatusOr<SchedulerConfig> ResolveScheduler(std::string_view name,
                                                 const Config& model,
                                                 const Config& overrides) {
  const std::string normal = Normal(name);
  if (IsOwn(normal)) {
    SHEAF_ASSIGN_OR_RETURN(const SchedulerClass scheduler, ClassOf(model));
    return ReadSchedulerConfig(scheduler, model.With(overrides));
  }
  if (const auto found = FindPlain(normal)) {
    return ReadSchedulerConfig(
        found->scheduler, model.With(Parsed(found->overrides)).With(overrides));
  }
  for (const Ending& ending : kEndings) {
    const size_t stem =
        normal.size() - std::min(normal.size(), ending.name.size());
    if (stem == 0 || normal.substr(stem) != ending.name) continue;
    const auto found = FindPlain(normal.substr(0, stem));
    if (!found.has_value()) continue;
    return ReadSchedulerConfig(found->scheduler,
                               model.With(Parsed(found->overrides))
                                   .With(Parsed(ending.overrides))
                                   .With(overrides));
  }
  return Unknown(name);
}

}  // namespace sheaf::engine
