// What every worker program does around its engine: the log, signals, the
// parent, the session, the exit code.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "inference/worker/process/flags.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

// Exit codes, beside 0: stopped, drained or done.
inline constexpr int kExitRefused = 1;  // By the server; or told to stop twice.
inline constexpr int kExitUsage = 2;    // A bad command line, or no models.
inline constexpr int kExitHung = 3;     // The engine makes no steps any more.
inline constexpr int kExitDeviceLost = 4;  // Until a new process finds it.

// Makes the engine for this command line; may add to what the worker says of
// itself. The client lives longer than the engine.
using MakeEngine = std::function<absl::StatusOr<std::unique_ptr<Engine>>(
    Flags* flags, Client* client)>;

// The program's life; returns its exit code. Call it before anything starts a
// thread: signals arrive on one of ours, and every other has them blocked.
int RunProcess(Flags flags, const MakeEngine& make_engine);

}  // namespace sheaf::worker
