// Puts the rows of a plan in the order in which their owners would get their
// turns (batching/continuous/fair.h), so that a plan's order is the order that
// its queue keeps to. Pure functions.
#pragma once

#include "batching/continuous/fair.h"
#include "batching/rows/cost.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

// The clocks of owners as they stand, and the rules of their turns.
struct Turns {
  FairState state;
  FairOptions options;
};

// Within each priority the owner whose clock is furthest behind comes next,
// with its oldest row; each row moves that clock on by the time that it takes
// alone. The rows must be in FIFO order (RowSet::Sort). One owner's rows stay
// in it.
void SortByTurns(const Turns& turns, const CostModel& model, RowSet* set);

}  // namespace sheaf::batching
