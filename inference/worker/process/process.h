// The part that all worker programs share around their engine: the log,
// signals, the parent process, the session, the exit code.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "inference/worker/process/flags.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"

namespace sheaf::worker {

// Exit codes. 0 means stopped, drained or done.
inline constexpr int kExitRefused = 1;  // By the server; or told to stop twice.
inline constexpr int kExitUsage = 2;    // A bad command line, or no models.
inline constexpr int kExitHung = 3;     // The engine makes no steps any more.
inline constexpr int kExitDeviceLost = 4;  // Only a new process can use it.

// Makes the engine for this command line; may add to the introduction that the
// worker sends (flags->session.hello). The client outlives the engine.
using MakeEngine = std::function<absl::StatusOr<std::unique_ptr<Engine>>(
    Flags* flags, Client* client)>;

// Runs the program and returns its exit code. Call it before anything starts a
// thread: one thread of ours waits for signals, and all others have them
// blocked.
int RunProcess(Flags flags, const MakeEngine& make_engine);

}  // namespace sheaf::worker
