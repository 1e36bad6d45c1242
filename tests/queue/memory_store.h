// The in-memory model of a store: SqliteStore must be indistinguishable from
// it. Everything happens on the caller's thread, before the call returns.
#pragma once

#include <algorithm>

#include "queue/store.h"
#include "tests/queue/memory_tx.h"
#include "tests/queue/test_clock.h"

namespace sheaf {

class MemoryStore final : public Store {
 public:
  // `clock` must outlive the store.
  explicit MemoryStore(const TestClock* clock) : clock_(clock) {}

 private:
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override;
  void StartRead(ReadCase use_case, Done done, CallOptions options) override;
  // Time does not go back in a store, even if the clock was set back.
  absl::Time Now() const { return std::max(latest_, clock_->now()); }

  const TestClock* clock_;
  absl::Time latest_ = absl::InfinitePast();
  MemoryTx tx_;
};

}  // namespace sheaf
