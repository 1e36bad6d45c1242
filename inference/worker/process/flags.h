// The command line of sheaf-worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/engine/runtime/options.h"
#include "inference/worker/session/session.h"
#include "inference/worker/simulated/simulated_engine.h"
#include "spdlog/common.h"

namespace sheaf::worker {

// How models are measured.
struct MeasuringOptions {
  absl::Duration budget = absl::Seconds(20);
  bool self_test = true;
};

enum class EngineKind { kSimulated, kTorch };

struct Flags {
  std::string server;
  EngineKind engine = EngineKind::kSimulated;
  bool exit_with_parent = false;
  bool log_json = false;
  spdlog::level::level_enum log_level = spdlog::level::info;
  SessionOptions session;
  SimulatedEngineOptions simulated;
  // For the diffusion engine only.
  bool list_devices = false;
  std::vector<std::string> model_paths;
  int64_t pixels_max = 0;       // Per picture; 0: by the device.
  int64_t pixel_steps_max = 0;  // Pixels times steps; 0: any number.
  engine::RuntimeOptions runtime;
  MeasuringOptions measuring;
};

// The result of parsing: flags, or a text to print and an exit code (help,
// version, or a mistake).
struct FlagsOrExit {
  Flags flags;
  bool exits = false;
  int exit_code = 0;
  std::string output;
};

// Flags win over the SHEAF_* environment, which wins over defaults.
FlagsOrExit ParseFlags(int argc, const char* const* argv);

// "250ms", "1m30s"; a bare number is read as seconds. INVALID_ARGUMENT for any
// other text and for a negative time.
absl::StatusOr<absl::Duration> ParseWaitTime(const std::string& text);

}  // namespace sheaf::worker
