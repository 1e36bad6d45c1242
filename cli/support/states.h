// The table of a run's states (queue/run_state.h), asked by the wire's values.
// A job's states are those of runs, by the same numbers. Pure functions.
#pragma once

#include <string>

#include "queue/run_state.h"
#include "sheaf/v1/job.pb.h"

namespace sheaf::cli {

// Whether a v1::RunState or v1::JobState is final. One that this program does
// not know is not.
bool IsFinalState(int state);

// How many runs are in that state.
int CountIn(const v1::RunCounts& counts, RunState state);

// "queued|running|...": the states, as a flag's choices.
std::string StateChoices();

}  // namespace sheaf::cli
