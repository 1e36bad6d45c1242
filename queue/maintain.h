// What time alone brings about: leases that end, deadlines that pass, pauses
// that are over, jobs whose retention ends, events that are no longer kept.
// Each is also honoured where it matters (at the door of a lease, say); this
// only makes it happen while nobody asks.
#pragma once

#include "queue/store.h"

namespace sheaf {

struct Upkeep {
  int64_t events_max = 1'000'000;  // newest events that are kept
  int step = 500;                  // most jobs or runs touched in one call
};

// Does a bounded share of what is due. True: there is more, call again.
bool Maintain(Tx& tx, const Upkeep& upkeep);

}  // namespace sheaf
