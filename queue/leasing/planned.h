// The part of Pick that goes by a queue's plan: with which of its batches a
// worker goes on, and which runs are in it.
#pragma once

#include "queue/leasing/ask.h"
#include "queue/leasing/pick.h"

namespace sheaf {

// The run to begin with, and the lane it stands in.
struct Head {
  Lane lane;
  Queue queue;
  Run run;
};

// The batches of a plan start in the plan's order: if `head` is in a batch of
// its queue's plan, the run to begin with is one of the first batch that still
// waits. That batch is passed over if this worker may not begin with it, if its
// runs have a lower priority than `head`, or if the policy leaves it to a
// worker that has its model loaded; `look->notes` then names its run.
Head FirstByPlan(Ask& ask, Head head, Look* look);

// The batch in which the queue's plan puts the head, as far as its runs still
// wait and this worker can make them; empty where there is none.
Picked PlannedBatch(Ask& ask, const Head& head);

}  // namespace sheaf
