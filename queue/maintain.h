// What time alone brings about: leases that end, deadlines that pass, pauses
// that are over, jobs and plans whose retention ends, events that are no
// longer kept. Most is also honoured where it matters (a deadline at the door
// of a lease, say); this only makes it happen while nobody asks.
//
// Found and done apart, so that whoever does it can do each thing in a write of
// its own (queue/caretaker.h): one that cannot be done stops no other.
#pragma once

#include <compare>
#include <set>
#include <string>
#include <vector>

#include "queue/store.h"

namespace sheaf {

struct Upkeep {
  int64_t events_max = 1'000'000;  // newest events that are kept
  int step = 500;                  // most things of a kind in one round
  // Only what ends soon and does no harm: leases, and the oldest events. For a
  // clock that may be wrong.
  bool leases_only = false;
};

// Something that time has made due.
struct Due {
  enum class What { kLease, kPause, kDeadline, kRetention, kPlan, kEvents };
  What what = What::kLease;
  int64_t id = 0;     // of the batch, run, job or plan; kEvents: the last to go
  std::string queue;  // kPause
  auto operator<=>(const Due&) const = default;
};

// "the lease of batches/7".
std::string Describe(const Due& due);

struct DueList {
  std::vector<Due> items;
  bool more = false;  // than are listed
};

// All that is due now but for those in `aside`, a bounded share of it.
DueList FindDue(View& view, const Upkeep& upkeep,
                const std::set<Due>& aside = {});

// Does it, where it is due still.
void Settle(Tx& tx, const Due& due, const Upkeep& upkeep);

}  // namespace sheaf
