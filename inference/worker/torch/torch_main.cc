// sheaf-torch-worker: a worker process with the diffusion engine.
// `sheaf-worker` becomes this program.
#include <cstdio>
#include <memory>
#include <utility>

#include "base/status.h"
#include "inference/engine/tensor/devices.h"
#include "inference/engine/tensor/process.h"
#include "inference/worker/process/process.h"
#include "inference/worker/process/shipped_models.h"
#include "inference/worker/torch/torch_engine.h"
#include "spdlog/spdlog.h"

namespace {

namespace worker = sheaf::worker;

// Milliseconds for a product of matrices; a BLAS made for this machine takes
// tenths of one.
constexpr double kSlowProduct = 5;

// Most pixels of a picture, by device. On a CPU, no layer of a step on so many
// takes nearly as long as the stall timeout. On a GPU, a larger picture would
// run out of memory before it took too long.
constexpr int64_t kPixelsMaxCpu = int64_t{2} << 20;
constexpr int64_t kPixelsMaxGpu = int64_t{16} << 20;

// The job kinds that make pictures; other kinds wait for other workers.
constexpr const char* kKinds[] = {"inference", "batch_inference"};

absl::StatusOr<std::unique_ptr<worker::Engine>> MakeTorch(
    worker::Flags* flags, worker::Client* client) {
  if (flags->model_paths.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto shipped, worker::FindShippedModels());
    spdlog::info("no --models: offering those in {}", shipped.string());
    flags->model_paths.push_back(shipped.string());
  }
  SHEAF_ASSIGN_OR_RETURN(worker::ModelList models,
                         worker::ModelList::Read(flags->model_paths));
  auto& hello = flags->session.hello;
  if (!hello.models().empty()) {
    SHEAF_RETURN_IF_ERROR(
        models.Keep({hello.models().begin(), hello.models().end()}));
  }
  hello.clear_models();
  for (const worker::OfferedModel& model : models.all()) {
    spdlog::info("model {} in {}", model.alias, model.place.folder);
    hello.add_models(model.alias);
  }
  if (hello.kinds().empty()) {
    for (const char* kind : kKinds) hello.add_kinds(kind);
  }
  SHEAF_ASSIGN_OR_RETURN(auto runtime,
                         sheaf::engine::ImageRuntime::Open(flags->runtime));
  const std::string& dtype = flags->runtime.dtype;
  if (dtype == "fp16" || (dtype == "auto" && runtime->device().name != "cpu")) {
    models.ExpectHalf();
  }
  worker::RequestLimits limits = {.pixels_max = flags->pixels_max,
                                  .pixel_steps_max = flags->pixel_steps_max};
  if (limits.pixels_max == 0) {
    limits.pixels_max =
        runtime->device().name == "cpu" ? kPixelsMaxCpu : kPixelsMaxGpu;
  }
  // This limit also holds if a run leaves a side to the model.
  runtime->LimitPixels(limits.pixels_max);
  hello.set_pixels_max(limits.pixels_max);
  hello.set_pixel_steps_max(limits.pixel_steps_max);
  const double product = sheaf::engine::ProbeMatrixProduct();
  if (runtime->device().name == "cpu" && product > kSlowProduct) {
    spdlog::warn(
        "matrix products are slow here ({:.1f} ms): install "
        "libopenblas0-openmp",
        product);
  }
  auto engine = std::make_unique<worker::TorchEngine>(
      std::move(models), std::move(runtime),
      [client](const std::string& name) {
        return client->DownloadArtifact(name);
      },
      flags->measuring, limits);
  flags->session.measurer = engine->measurer();
  return engine;
}

}  // namespace

int main(int argc, char** argv) {
  auto parsed = worker::ParseFlags(argc, argv);
  if (parsed.exits) {
    std::fputs(parsed.output.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  if (parsed.flags.list_devices) {
    for (const std::string& device : sheaf::engine::DevicesHere()) {
      std::printf("%s\n", device.c_str());
    }
    return 0;
  }
  sheaf::engine::PrepareProcess(argv);
  return worker::RunProcess(std::move(parsed.flags), MakeTorch);
}
