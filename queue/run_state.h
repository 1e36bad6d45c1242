// The states of a run, as one table: their names, how they are counted, which
// may follow which. Filters, SQL conditions, counts and the command line
// iterate it; tests hold the schema's CHECKs, the proto enums, the Python
// client and the docs to it.
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

namespace sheaf {

enum class RunState {
  kQueued = 1,
  kRunning = 2,
  kSucceeded = 3,
  kFailed = 4,
  kCancelled = 5,
};

// How many runs of a job, or of whatever else, are in each state.
struct RunCounts {
  int64_t queued = 0;
  int64_t running = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  int64_t live() const { return queued + running; }
  int64_t& of(RunState state);
  int64_t of(RunState state) const;
  RunCounts& operator+=(const RunCounts& other);
  bool operator==(const RunCounts&) const = default;
};

// A set of states, as bits.
constexpr unsigned StateBit(RunState state) {
  return 1u << static_cast<unsigned>(state);
}

struct RunStateFacts {
  RunState state;
  std::string_view name;  // as on the wire, without its prefix
  std::string_view word;  // for people; RunCounts on the wire, n_WORD as column
  int64_t RunCounts::*count;
  bool final;
  unsigned next;  // bits of the states that may follow
  // A move to this state, in the words of a list of changes to what waits;
  // empty: it changes nothing that waits.
  std::string_view change = "";
};

// A final state is left only by RetryJob, which puts the run back in line.
inline constexpr RunStateFacts kRunStates[] = {
    {RunState::kQueued, "QUEUED", "queued", &RunCounts::queued, false,
     StateBit(RunState::kRunning) | StateBit(RunState::kFailed) |
         StateBit(RunState::kCancelled),
     "put back in line"},
    {RunState::kRunning, "RUNNING", "running", &RunCounts::running, false,
     StateBit(RunState::kQueued) | StateBit(RunState::kSucceeded) |
         StateBit(RunState::kFailed) | StateBit(RunState::kCancelled),
     "started"},
    {RunState::kSucceeded, "SUCCEEDED", "succeeded", &RunCounts::succeeded,
     true, 0},
    {RunState::kFailed, "FAILED", "failed", &RunCounts::failed, true,
     StateBit(RunState::kQueued)},
    {RunState::kCancelled, "CANCELLED", "cancelled", &RunCounts::cancelled,
     true, StateBit(RunState::kQueued), "cancelled"},
};

// A job is in the first of these states in which it has a run, and in the last
// of them where it has none.
inline constexpr RunState kJobStateOrder[] = {
    RunState::kRunning, RunState::kQueued, RunState::kFailed,
    RunState::kCancelled, RunState::kSucceeded};
static_assert(std::size(kJobStateOrder) == std::size(kRunStates));

constexpr const RunStateFacts& FactsOf(RunState state) {
  return kRunStates[static_cast<int>(state) - 1];
}
constexpr bool IsFinal(RunState state) { return FactsOf(state).final; }
constexpr bool MayFollow(RunState from, RunState to) {
  return (FactsOf(from).next & StateBit(to)) != 0;
}

inline int64_t& RunCounts::of(RunState state) {
  return this->*FactsOf(state).count;
}
inline int64_t RunCounts::of(RunState state) const {
  return this->*FactsOf(state).count;
}
inline RunCounts& RunCounts::operator+=(const RunCounts& other) {
  for (const RunStateFacts& facts : kRunStates) {
    this->*facts.count += other.*facts.count;
  }
  return *this;
}

}  // namespace sheaf
