// Things that time alone brings about: leases that end, batches that take long,
// deadlines that pass, pauses that are over, jobs, plans and requests whose
// retention ends, events that are no longer kept. Most is also honoured where
// it matters (a deadline at the door of a lease, say); this only makes it
// happen while nobody asks.
//
// Finding and doing are apart, so that the caretaker
// (queue/leasing/caretaker.h) can do each thing in a write of its own: one that
// cannot be done does not stop the others.
#pragma once

#include <compare>
#include <set>
#include <string>
#include <vector>

#include "queue/store.h"

namespace sheaf {

struct Maintenance {
  // The newest `events_max` events are kept; more of them, up to
  // `events_hard_max`, while they are younger than `events_keep`.
  int64_t events_max = 1'000'000;
  absl::Duration events_keep = absl::Hours(24);
  int64_t events_hard_max = 20'000'000;
  // How long a request_id still holds after its job was deleted.
  absl::Duration request_keep = absl::Hours(30 * 24);
  int step = 500;  // most things of a kind in one round
  // Only leases and the oldest events, which end soon and do no harm. For a
  // clock that may be wrong.
  bool leases_only = false;
};

// Something that time has made due.
struct Due {
  enum class What {
    kLease,
    kLongBatch,
    kPause,
    kDeadline,
    kRetention,
    kPlan,
    kRequests,
    kEvents
  };
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
DueList FindDue(View& view, const Maintenance& maintenance,
                const std::set<Due>& aside = {});

// Does `due`, if it is still due.
void Settle(Tx& tx, const Due& due, const Maintenance& maintenance);

}  // namespace sheaf
