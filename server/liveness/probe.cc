#include "server/liveness/probe.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/log/log.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);
// Where ticks are further apart than this, the process did not run (it was
// stopped, or its machine was asleep), and neither did the parts that it asked.
constexpr absl::Duration kLost = absl::Seconds(3);

bool IsGood(const absl::Status& status) {
  return status.ok() || absl::IsUnavailable(status);
}

}  // namespace

struct Probe::State {
  Check check;
  SteadyClock* clock = nullptr;

  absl::Mutex mutex;
  bool asked ABSL_GUARDED_BY(mutex) = false;
  bool well ABSL_GUARDED_BY(mutex) = true;  // by the last answer
  bool failed ABSL_GUARDED_BY(mutex) = false;
  absl::Time asked_at ABSL_GUARDED_BY(mutex);
  absl::Time good_at ABSL_GUARDED_BY(mutex);
  absl::Time answered_at ABSL_GUARDED_BY(mutex);
  int64_t answers ABSL_GUARDED_BY(mutex) = 0;
  std::string error ABSL_GUARDED_BY(mutex);

  void Answer(const absl::Status& status) {
    absl::MutexLock lock(&mutex);
    asked = false;
    error = std::string(status.message());
    well = IsGood(status);
    if (absl::IsDeadlineExceeded(status)) return;
    answered_at = clock->Now();
    if (well) good_at = answered_at;
  }

  // Notes whether others were answered, even if we were not.
  void NoteOthers(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (!check.answers) return;
    const int64_t count = check.answers();
    if (count == answers) return;
    answers = count;
    answered_at = now;
    if (asked) good_at = now;
  }
};

Probe::Probe(std::vector<Check> checks, Options options)
    : options_(std::move(options)),
      last_tick_(options_.clock->Now()),
      stopping_(options_.clock) {
  for (Check& check : checks) {
    auto state = std::make_shared<State>();
    absl::MutexLock lock(&state->mutex);
    state->check = std::move(check);
    state->clock = options_.clock;
    state->good_at = state->answered_at = last_tick_;
    state->asked_at = last_tick_ - options_.interval;
    states_.push_back(state);
  }
}

void Probe::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Probe::Stop() {
  stopping_.Set();
  if (thread_.joinable()) thread_.join();
}

void Probe::Loop() {
  do {
    Tick();
    options_.on_tick();
  } while (!stopping_.WaitFor(kTick));
}

void Probe::Tick() {
  const absl::Time now = options_.clock->Now();
  const absl::Duration passed = now - last_tick_;
  last_tick_ = now;
  for (const StatePtr& state : states_) {
    if (passed > kLost) {
      absl::MutexLock lock(&state->mutex);
      state->good_at += passed;
      state->answered_at += passed;
    }
    Look(state, now);
  }
}

void Probe::Look(const StatePtr& state, absl::Time now) {
  {
    absl::MutexLock lock(&state->mutex);
    state->NoteOthers(now);
    const bool failed = now - state->good_at > options_.patience;
    if (failed != std::exchange(state->failed, failed)) {
      Log(failed ? spdlog::level::err : spdlog::level::info, "probe",
          failed ? "a check of the server failed"
                 : "the check of the server succeeds again",
          {{"check", state->check.name}, {"said", state->error}});
    }
    if (state->asked || now - state->asked_at < options_.interval) return;
    state->asked = true;
    state->asked_at = now;
    // Patience begins with the question.
    if (state->well) state->good_at = state->answered_at = now;
  }
  state->check.ask(
      [state](const absl::Status& status) { state->Answer(status); });
}

std::vector<std::string> Probe::Problems() const {
  std::vector<std::string> problems;
  const absl::Time now = options_.clock->Now();
  for (const StatePtr& state : states_) {
    absl::MutexLock lock(&state->mutex);
    if (now - state->good_at <= options_.patience) continue;
    problems.push_back(
        state->asked
            ? absl::StrCat(state->check.name, " have had no answer for ",
                           absl::FormatDuration(absl::Trunc(
                               now - state->answered_at, absl::Seconds(1))))
            : absl::StrCat(state->check.name, " fail: ", state->error));
  }
  return problems;
}

bool Probe::HasFailed(std::string_view name) const {
  const absl::Time now = options_.clock->Now();
  for (const StatePtr& state : states_) {
    absl::MutexLock lock(&state->mutex);
    if (state->check.name == name && now - state->good_at > options_.patience) {
      return true;
    }
  }
  return false;
}

bool Probe::IsAlive() const {
  const absl::Time now = options_.clock->Now();
  for (const StatePtr& state : states_) {
    absl::MutexLock lock(&state->mutex);
    if (now - state->answered_at > options_.watchdog_patience) return false;
  }
  return true;
}

}  // namespace sheaf::server
