// The model and SQLite, on one clock, given the same use cases.
#pragma once

#include <memory>
#include <vector>

#include "queue/jobs.h"
#include "queue/leasing/finish.h"
#include "queue/leasing/lease.h"
#include "queue/queues.h"
#include "queue/submit.h"
#include "tests/queue/stores.h"

namespace sheaf {

template <class T>
bool Same(const T& a, const T& b) {
  return a == b;
}
inline bool Same(const Submitted& a, const Submitted& b) {
  return a.job == b.job && a.replayed == b.replayed;
}
inline bool Same(const CancelCounts& a, const CancelCounts& b) {
  return a.jobs == b.jobs && a.cancelled == b.cancelled &&
         a.stopping == b.stopping;
}
inline bool Same(const CancelSlice& a, const CancelSlice& b) {
  return Same(a.counts, b.counts) && a.next == b.next;
}
inline bool Same(const HeartbeatReply& a, const HeartbeatReply& b) {
  return a.lease_expire_time == b.lease_expire_time && a.cancel == b.cancel &&
         a.release == b.release && a.lost == b.lost;
}
inline bool Same(const LeaseResult& a, const LeaseResult& b) {
  if (a.next_time != b.next_time || !a.leased != !b.leased) return false;
  if (!a.leased) return true;
  const Leased &x = *a.leased, &y = *b.leased;
  if (!(x.batch == y.batch) || x.kind != y.kind) return false;
  if (x.runs.size() != y.runs.size()) return false;
  for (size_t i = 0; i < x.runs.size(); ++i) {
    if (!(x.runs[i].run == y.runs[i].run)) return false;
    if (!(x.runs[i].params == y.runs[i].params)) return false;
  }
  return true;
}
template <class T>
bool Same(const absl::StatusOr<T>& a, const absl::StatusOr<T>& b) {
  return a.ok() && b.ok() ? Same(*a, *b) : a.status() == b.status();
}

class Twins {
 public:
  // Runs `use_case`, which must remember nothing, on both stores; returns their
  // common answer.
  template <class UseCase>
  auto Write(const char* what, const UseCase& use_case) {
    auto first = sheaf::Write(*memory_, use_case);
    auto second = sheaf::Write(*sqlite_, use_case);
    EXPECT_TRUE(Same(first, second))
        << what << ": " << StatusOf(first) << " and " << StatusOf(second);
    return first;
  }

  TestClock& clock() { return clock_; }
  Store& memory() { return *memory_; }
  Store& sqlite() { return *sqlite_; }

 private:
  TestClock clock_;
  std::unique_ptr<Store> memory_ = NewMemoryStore(&clock_);
  std::unique_ptr<Store> sqlite_ = NewSqliteStore(&clock_);
};

}  // namespace sheaf
