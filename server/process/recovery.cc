#include "server/process/recovery.h"

#include <vector>

#include "base/log/log.h"
#include "base/status.h"
#include "queue/leasing/lease.h"
#include "queue/leasing/lease_ends.h"

namespace sheaf::server {

absl::Time NewestTime(Store& store) {
  absl::Time newest = absl::InfinitePast();
  const absl::Status status = ReadAndWait(store, [&](View& view) {
    for (const Event& event : view.Events(view.LastSequence() - 1, 1)) {
      newest = event.time;
    }
    return absl::OkStatus();
  });
  return status.ok() ? newest : absl::InfinitePast();
}

absl::Status HandBackUnheld(Store& store) {
  std::vector<BatchId> unheld;
  SHEAF_RETURN_IF_ERROR(WriteAndWait(store, [&](Tx& tx) {
    unheld.clear();
    for (const Batch& batch : tx.Batches(absl::InfiniteFuture())) {
      if (batch.secret.empty()) unheld.push_back(batch.id);
    }
    return absl::OkStatus();
  }));
  for (const BatchId batch : unheld) {
    // A lease that cannot be ended here is found again when its time is over.
    const absl::Status ended = WriteAndWait(store, [&](Tx& tx) {
      EndLease(tx, batch, LeaseEnd::kHandedBack);
      return absl::OkStatus();
    });
    Log(spdlog::level::info, "lease",
        "handed back: given out by a version without secrets",
        {{"batch", NameOf(batch)}, {"status", ended.ToString()}});
  }
  return absl::OkStatus();
}

}  // namespace sheaf::server
