// Faults on order: how and when the simulated engine shall fail.
//
// A fault is written ACTION@CONDITION,CONDITION,...
//
//   exception@step=3          the whole engine throws at step 3
//   oom@rows>4                out of memory with more than four rows at once
//   nan@row=2                 the third row of the batch ends with NaN
//   hang@step=2               step 2 never ends
//   crash@before-finish       abort() when all is done and nothing is reported
//   exit@lease                leaves as soon as it is given a batch
//   bad-input@prompt~zebra    refuses runs whose prompt holds "zebra"
//   fail@p=0.1,seed=7         one run in ten fails, always the same ones
//   fail@attempt=1            fails at the first attempt only
//
// Several faults are separated by ';'. Pure functions and values; nothing here
// acts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::worker {

enum class FaultAction {
  kException,    // Step throws; if a run asked for it, that run fails.
  kOutOfMemory,  // The rows are split; a row alone fails with OUT_OF_MEMORY.
  kNan,          // The row fails with ENGINE.
  kHang,         // Never comes back.
  kCrash,        // abort()
  kExit,         // The process ends without a word.
  kBadInput,     // The row fails with BAD_INPUT.
  kFail,         // The row fails with TRANSIENT.
  kLost,         // The device is lost: all rows fail with TRANSIENT, and the
                 // worker leaves.
};

// When a fault can strike.
enum class FaultPoint {
  kLease,         // A batch has just been leased.
  kStep,          // At a denoising step.
  kBeforeFinish,  // All rows have ended; the last outcomes are not yet told.
  kAfterFinish,   // The server has all outcomes of the batch.
};

// One fault. All its conditions must hold.
struct Fault {
  FaultAction action = FaultAction::kFail;
  FaultPoint point = FaultPoint::kStep;
  // Absent: the first step, or any step for kOutOfMemory.
  std::optional<int> step;
  std::optional<int> row;         // Index in the batch as leased, from 0.
  std::optional<int> attempt;     // As the server counts, from 1.
  std::optional<int> rows_above;  // More rows than this go together.
  std::string prompt_part;        // Empty: any prompt.
  double probability = 1;         // Drawn once per (seed, run, attempt).
  std::uint64_t seed = 0;

  bool operator==(const Fault&) const = default;
};

// A row as the conditions see it.
struct FaultSubject {
  std::string_view run;
  std::string_view prompt;
  int row = 0;
  int attempt = 1;
};

// INVALID_ARGUMENT, with the offending part quoted, where `text` is no fault.
absl::StatusOr<Fault> ParseFault(std::string_view text);

// Reads a list separated by ';'; skips empty parts.
absl::StatusOr<std::vector<Fault>> ParseFaults(std::string_view text);

// Whether the conditions on the row itself hold: its index, attempt, prompt and
// luck. The same row gets the same answer every time.
bool Applies(const Fault& fault, const FaultSubject& subject);

// Whether the fault strikes when a row is about to take step `step` (from 1)
// together with `rows` rows, itself included.
bool StrikesAtStep(const Fault& fault, int step, int rows);

}  // namespace sheaf::worker
