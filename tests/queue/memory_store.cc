#include "tests/queue/memory_store.h"

#include <utility>

#include "queue/error.h"
#include "queue/rows/broken_row.h"

namespace sheaf {

void MemoryStore::StartWrite(WriteCase use_case, Done done, CallOptions) {
  latest_ = Now();
  tx_.Begin(latest_);
  absl::Status status;
  try {
    status = use_case(tx_);
  } catch (const BrokenRow& thrown) {
    status = Error(Reason::kStoreCorrupt, thrown.what());
  }
  if (status.ok()) {
    tx_.Commit();
  } else {
    tx_.RollBack();
  }
  done(std::move(status));
}

void MemoryStore::StartRead(ReadCase use_case, Done done, CallOptions) {
  tx_.Begin(Now());
  done(use_case(tx_));
}

}  // namespace sheaf
