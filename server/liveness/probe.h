// Notices when the server is dead: asks, again and again, for the things that
// clients ask for, in the ways that clients do.
//
// Slow is not dead. A question goes ahead of clients' questions where it can.
// As long as other questions of its kind are answered, a waiting one proves
// nothing. A check has failed once nothing of its kind was answered well for
// `patience`.
//
// Needs no store, no hub and no lock of theirs. Owned by the server; any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"
#include "base/stop_flag.h"

namespace sheaf::server {

class Probe {
 public:
  using Answered = std::function<void(const absl::Status&)>;

  struct Check {
    std::string name;  // "writes"
    // Asks without waiting. UNAVAILABLE is a good answer: the part that gives
    // it is alive, and reports its trouble elsewhere. DEADLINE_EXCEEDED is no
    // answer.
    std::function<void(Answered)> ask;
    // Grows with every answer of its kind, whoever asked; may be null.
    std::function<int64_t()> answers;
  };

  struct Options {
    absl::Duration interval = absl::Seconds(5);
    absl::Duration patience = absl::Seconds(15);
    // After this long without any answer, only a new process helps.
    absl::Duration watchdog_patience = absl::Seconds(30);
    SteadyClock* clock = SteadyClock::Real();  // outlives the probe
    // Called after every look, once a second, on the probe's thread.
    std::function<void()> on_tick = [] {};
  };

  Probe(std::vector<Check> checks, Options options);
  ~Probe() { Stop(); }

  // Looks once a second from now on, on a thread of its own.
  void Start();
  // Looks no more; questions already asked may be answered later. Idempotent.
  void Stop();

  // Asks the questions that are due, and judges the answers so far.
  void Tick();

  // The checks that have failed, in the words of an operator.
  std::vector<std::string> Problems() const;
  // Whether this check has failed.
  bool HasFailed(std::string_view name) const;
  // False where a check has had no answer, good or bad, for
  // `watchdog_patience`.
  bool IsAlive() const;

 private:
  struct State;
  using StatePtr = std::shared_ptr<State>;

  void Look(const StatePtr& state, absl::Time now);
  void Loop();

  const Options options_;
  std::vector<StatePtr> states_;
  absl::Time last_tick_;  // of the thread that ticks
  StopFlag stopping_;
  std::thread thread_;
};

}  // namespace sheaf::server
