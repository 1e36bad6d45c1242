// The states of a run, as data. The schema's CHECKs, the proto enum and the
// tests are held equal to this table by tests that iterate it.
#pragma once

#include <string_view>

namespace sheaf {

enum class RunState {
  kQueued = 1,
  kRunning = 2,
  kSucceeded = 3,
  kFailed = 4,
  kCancelled = 5,
};

// A set of states, as bits.
constexpr unsigned StateBit(RunState state) {
  return 1u << static_cast<unsigned>(state);
}

struct RunStateFacts {
  RunState state;
  std::string_view name;  // as on the wire, without its prefix
  bool final;
  unsigned next;  // bits of the states that may follow
};

// A final state is left only by RetryJob, which puts the run back in line.
inline constexpr RunStateFacts kRunStates[] = {
    {RunState::kQueued, "QUEUED", false,
     StateBit(RunState::kRunning) | StateBit(RunState::kFailed) |
         StateBit(RunState::kCancelled)},
    {RunState::kRunning, "RUNNING", false,
     StateBit(RunState::kQueued) | StateBit(RunState::kSucceeded) |
         StateBit(RunState::kFailed) | StateBit(RunState::kCancelled)},
    {RunState::kSucceeded, "SUCCEEDED", true, 0},
    {RunState::kFailed, "FAILED", true, StateBit(RunState::kQueued)},
    {RunState::kCancelled, "CANCELLED", true, StateBit(RunState::kQueued)},
};

constexpr const RunStateFacts& FactsOf(RunState state) {
  return kRunStates[static_cast<int>(state) - 1];
}
constexpr bool IsFinal(RunState state) { return FactsOf(state).final; }
constexpr bool MayFollow(RunState from, RunState to) {
  return (FactsOf(from).next & StateBit(to)) != 0;
}

}  // namespace sheaf
