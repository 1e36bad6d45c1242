#include "inference/worker/process/flags.h"

#include <limits.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <sstream>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/version.h"
#include "fmt/format.h"

namespace sheaf::worker {
namespace {

constexpr int64_t kPixelsMost = int64_t{16384} * 16384;

std::string DefaultName() {
  char host[HOST_NAME_MAX + 1] = "worker";
  gethostname(host, sizeof(host) - 1);
  return fmt::format("{}:{}", host, getpid());
}

// Values as they are typed, before they are turned into options.
struct Raw {
  std::string engine = "torch";
  std::string name = DefaultName();
  std::vector<std::string> queues;
  std::vector<std::string> kinds;
  std::vector<std::string> aliases;
  int batch_size_max = 0;
  uint64_t model_memory = 0;
  uint64_t tensor_memory = 0;
  std::string step_time = "20ms";
  std::string row_time = "5ms";
  std::string stall_timeout = "5m";
  std::string calibrate = "auto";
  std::string calibrate_time = "20s";
  bool no_self_test = false;
  std::string checkpoint_pause = "1s";
  std::string preview_pause = "1s";
  std::vector<std::string> faults;
  std::string log_level = "info";
  bool log_json = false;
  bool no_images = false;
  std::string join = "on";
};

const std::map<std::string, spdlog::level::level_enum> kLevels = {
    {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},
    {"warn", spdlog::level::warn},
    {"error", spdlog::level::err},
};

constexpr char kSimulated[] = "Simulated engine (--engine simulated)";

std::string CheckWaitTime(const std::string& text) {
  const auto duration = ParseWaitTime(text);
  return duration.ok() ? "" : std::string(duration.status().message());
}

std::string CheckFaults(const std::string& text) {
  const auto faults = ParseFaults(text);
  return faults.ok() ? "" : std::string(faults.status().message());
}

void AddWorkerFlags(CLI::App* app, Flags* flags, Raw* raw) {
  app->add_option("--server", flags->server,
                  "Address of sheafd: host:port or unix:path")
      ->take_last()
      ->envname("SHEAF_SERVER")
      ->capture_default_str();
  app->add_option("--engine", raw->engine,
                  "Engine that makes the pictures: torch, or simulated, which "
                  "draws patterns and is there to test the queue")
      ->take_last()
      ->check(CLI::IsMember({"torch", "simulated"}))
      ->capture_default_str();
  app->add_option("--name", raw->name, "Name to show; by default host and pid")
      ->take_last()
      ->envname("SHEAF_WORKER_NAME");
  app->add_option("--queues", raw->queues, "Queues to serve; by default all")
      ->delimiter(',');
  app->add_option("--kinds", raw->kinds,
                  "Job kinds to take; by default inference and "
                  "batch_inference, with --engine simulated all")
      ->delimiter(',');
  app->add_option("--aliases", raw->aliases,
                  "Models to offer, by alias; by default all in --models")
      ->delimiter(',');
  app->add_option("--batch-size-max", raw->batch_size_max,
                  "Most runs in one batch; 0: no limit of its own")
      ->check(CLI::Range(0, 1024));
  app->add_option("--join", raw->join,
                  "Whether runs may join a running batch between two steps")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  app->add_flag("--once", flags->session.once, "Exit after one batch");
  app->add_flag("--exit-with-parent", flags->exit_with_parent,
                "Stop when the process that started this one ends");
  app->add_option("--stall-timeout", raw->stall_timeout,
                  "Give up an engine that makes no progress for this time")
      ->check(CheckWaitTime)
      ->capture_default_str();
  app->add_option("--checkpoint-pause", raw->checkpoint_pause,
                  "Shortest time between two checkpoints of a run")
      ->check(CheckWaitTime)
      ->capture_default_str();
  app->add_option("--preview-pause", raw->preview_pause,
                  "Shortest time between two previews of a batch")
      ->check(CheckWaitTime)
      ->capture_default_str();
  app->add_flag("--log-json", raw->log_json, "Log lines as JSON objects");
  app->add_option("--log-level", raw->log_level, "Least level to log")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
}

void AddTorchFlags(CLI::App* app, Flags* flags, Raw* raw) {
  engine::RuntimeOptions* options = &flags->runtime;
  const std::string group = "Diffusion engine (--engine torch)";
  app->add_option("--models", flags->model_paths,
                  "Folders of models in the diffusers layout, or .toml files "
                  "that list them; may be repeated; by default the models "
                  "that come with Sheaf")
      ->envname("SHEAF_MODELS")
      ->delimiter(',')
      ->group(group);
  options->device = "auto";
  app->add_option("--device", options->device,
                  "Device: cpu, cuda, cuda:1; auto: the first GPU, or the CPU; "
                  "auto:1: the second device")
      ->capture_default_str()
      ->group(group);
  app->add_flag("--list-devices", flags->list_devices,
                "Print the devices, one a line, best first, and exit")
      ->group(group);
  app->add_option("--pixels-max", flags->pixels_max,
                  "Most pixels of a picture, width times height; 0: 2 Mi on a "
                  "CPU, 16 Mi on a GPU")
      ->check(CLI::Range(int64_t{0}, kPixelsMost))
      ->capture_default_str()
      ->group(group);
  app->add_option("--pixel-steps-max", flags->pixel_steps_max,
                  "Most pixels times steps of a run; 0: any number")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app->add_option("--dtype", options->dtype,
                  "Number type that models are held in")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16"}))
      ->capture_default_str()
      ->group(group);
  app->add_option("--model-memory", raw->model_memory,
                  "Most memory of all models together, e.g. 8GiB; the model "
                  "unused longest is unloaded; 0: no bound")
      ->transform(CLI::AsSizeValue(false))
      ->group(group);
  app->add_option("--calibrate", raw->calibrate,
                  "When to measure models: auto: when idle after a model's "
                  "first batch, if the server has no times of it; off: only on "
                  "order (sheaf worker measure)")
      ->check(CLI::IsMember({"auto", "off"}))
      ->capture_default_str()
      ->group(group);
  app->add_option("--calibrate-time", raw->calibrate_time,
                  "Longest time to spend on measuring one model")
      ->check(CheckWaitTime)
      ->capture_default_str()
      ->group(group);
  app->add_flag("--no-self-test", raw->no_self_test,
                "When a model is measured, do not test that rows give the same "
                "numbers together as alone")
      ->group(group);
  app->add_option("--cleanup-batches", options->batches_per_cleanup,
                  "Give memory that was kept for later back after this many "
                  "batches; 0: only when memory runs out")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str()
      ->group(group);
  app->add_option("--tensor-memory", raw->tensor_memory,
                  "Most memory of all tensors on the CPU, e.g. 16GiB; 0: all "
                  "that the machine has")
      ->transform(CLI::AsSizeValue(false))
      ->group(group);
}

void AddSimulationFlags(CLI::App* app, Flags* flags, Raw* raw) {
  SimulatedEngineOptions* options = &flags->simulated;
  const std::string group = kSimulated;
  app->add_option("--step-time", raw->step_time,
                  "Time that one step of one row takes")
      ->check(CheckWaitTime)
      ->capture_default_str()
      ->group(group);
  app->add_option("--row-time", raw->row_time,
                  "Time that each further row adds")
      ->check(CheckWaitTime)
      ->capture_default_str()
      ->group(group);
  app->add_option("--memory-bytes", options->memory_bytes,
                  "Memory of the device; 0: as much as is needed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app->add_option("--row-bytes", options->row_bytes,
                  "Memory that each row holds")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app->add_option("--steps-default", options->steps_default,
                  "Steps of runs that name none")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str()
      ->group(group);
  app->add_option("--time-scale", options->time_scale,
                  "Multiplies all times; 0: no sleeping at all")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->group(group);
  app->add_option("--image-size", options->image_side_max,
                  "Longest side of a picture, in pixels")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->group(group);
  app->add_flag("--no-images", raw->no_images,
                "Let runs succeed without pictures")
      ->group(group);
  app->add_flag("--allow-faults", options->allow_faults,
                "Let runs ask for faults (extra sim.fault); only for tests, "
                "because any client can end the process with them")
      ->group(group);
  app->add_option("--fault", raw->faults,
                  "Fault to simulate: ACTION@CONDITION,... e.g. oom@rows>4 or "
                  "fail@p=0.1,seed=7; may be repeated; also in SHEAF_FAULT, "
                  "separated by ';'")
      ->envname("SHEAF_FAULT")
      ->expected(1)
      ->take_all()
      ->check(CheckFaults)
      ->group(group);
}

std::string QueueName(const std::string& text) {
  return text.starts_with("queues/") ? text : "queues/" + text;
}

// Every value in `raw` has passed its check.
void Convert(const Raw& raw, Flags* flags) {
  v1::RegisterWorkerRequest* hello = &flags->session.hello;
  hello->set_display_name(raw.name);
  hello->set_version(kVersion);
  hello->set_batch_size_max(raw.batch_size_max);
  for (const auto& queue : raw.queues) hello->add_queues(QueueName(queue));
  for (const auto& kind : raw.kinds) hello->add_kinds(kind);
  for (const auto& alias : raw.aliases) hello->add_models(alias);
  flags->engine =
      raw.engine == "torch" ? EngineKind::kTorch : EngineKind::kSimulated;
  flags->runtime.model_bytes_max = raw.model_memory;
  flags->runtime.memory_bytes_max = raw.tensor_memory;
  flags->session.join = raw.join == "on";
  flags->session.stall_timeout = *ParseWaitTime(raw.stall_timeout);
  flags->session.measures_by_itself = raw.calibrate == "auto";
  flags->measuring.budget = *ParseWaitTime(raw.calibrate_time);
  flags->measuring.self_test = !raw.no_self_test;
  flags->session.checkpoint_pause = *ParseWaitTime(raw.checkpoint_pause);
  flags->session.preview_pause = *ParseWaitTime(raw.preview_pause);
  flags->simulated.step_time = *ParseWaitTime(raw.step_time);
  flags->simulated.row_time = *ParseWaitTime(raw.row_time);
  flags->simulated.images = !raw.no_images;
  for (const std::string& text : raw.faults) {
    const std::vector<Fault> faults = *ParseFaults(text);
    flags->simulated.faults.insert(flags->simulated.faults.end(),
                                   faults.begin(), faults.end());
  }
  flags->log_json = raw.log_json;
  flags->log_level = kLevels.at(raw.log_level);
}

}  // namespace

FlagsOrExit ParseFlags(int argc, const char* const* argv) {
  FlagsOrExit result;
  result.flags.server = "127.0.0.1:7420";
  Raw raw;
  CLI::App app("Takes batches from a Sheaf server and makes their pictures.",
               "sheaf-worker");
  app.set_version_flag("--version", absl::StrCat("sheaf-worker ", kVersion));
  AddWorkerFlags(&app, &result.flags, &raw);
  AddTorchFlags(&app, &result.flags, &raw);
  AddSimulationFlags(&app, &result.flags, &raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    result.exits = true;
    // CLI11 has a code for each kind of mistake; callers know 2 for all.
    result.exit_code = app.exit(error, out, out) == 0 ? 0 : 2;
    result.output = out.str();
    return result;
  }
  Convert(raw, &result.flags);
  if (result.flags.list_devices && result.flags.engine != EngineKind::kTorch) {
    result.exits = true;
    result.exit_code = 2;
    result.output = "--list-devices needs --engine torch\n";
  }
  for (const CLI::Option* option : app.get_options()) {
    if (result.flags.engine == EngineKind::kSimulated || option->count() == 0 ||
        option->get_group() != kSimulated) {
      continue;
    }
    result.exits = true;
    result.exit_code = 2;
    result.output =
        fmt::format("{} needs --engine simulated\n", option->get_name());
  }
  return result;
}

absl::StatusOr<absl::Duration> ParseWaitTime(const std::string& text) {
  absl::Duration duration;
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds) && !std::isnan(seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is not a time; write it like 250ms, 5s or 1m30s", text));
  }
  if (duration < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(fmt::format("'{}' is negative", text));
  }
  return duration;
}

}  // namespace sheaf::worker
