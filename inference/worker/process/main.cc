// sheaf-worker: becomes sheaf-torch-worker, which lies beside it and takes the
// same options, or is itself the worker with --engine simulated: loading
// LibTorch takes a second that tests need not wait for.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "inference/worker/process/process.h"
#include "inference/worker/simulated/simulated_engine.h"

namespace {

using sheaf::worker::Client;
using sheaf::worker::Engine;
using sheaf::worker::Flags;
using sheaf::worker::SimulatedEngine;

absl::StatusOr<std::unique_ptr<Engine>> MakeSimulated(Flags* flags, Client*) {
  auto engine = std::make_unique<SimulatedEngine>(std::move(flags->simulated));
  flags->session.at_point = [engine = engine.get()](auto point,
                                                    const auto& batch) {
    engine->Reach(point, batch);
  };
  return engine;
}

// Returns only if that fails.
int BecomeTorchWorker(char** argv) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string other = self.parent_path() / "sheaf-torch-worker";
  execv(other.c_str(), argv);
  std::fprintf(stderr,
               "real pictures need %s, which does not exist: build it with "
               "LibTorch (without -DSHEAF_TORCH=OFF), or ask for patterns with "
               "--engine simulated\n",
               other.c_str());
  return sheaf::worker::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  auto parsed = sheaf::worker::ParseFlags(argc, argv);
  if (parsed.exits) {
    std::fputs(parsed.output.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  if (parsed.flags.engine == sheaf::worker::EngineKind::kTorch) {
    return BecomeTorchWorker(argv);
  }
  return sheaf::worker::RunProcess(std::move(parsed.flags), MakeSimulated);
}
