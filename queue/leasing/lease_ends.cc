#include "queue/leasing/lease_ends.h"

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

// Takes every run out of `batch`, each by `how`.
template <class How>
int EndBatch(Tx& tx, const Batch& batch, How how) {
  RunChanges changes(tx, batch.queue);
  for (RunId id : batch.runs) {
    std::optional<Run> run = tx.FindRun(id);
    if (!run || run->state != RunState::kRunning || run->epoch != batch.epoch) {
      continue;
    }
    how(changes, *run);
  }
  tx.DeleteBatch(batch.id);
  const int count = static_cast<int>(changes.size());
  changes.Commit({.type = EventType::kRunsChanged,
                  .batch = batch.id,
                  .worker = batch.worker_name});
  return count;
}

int EndByDeath(Tx& tx, const Batch& batch, const std::string& what) {
  return EndBatch(tx, batch, [&](RunChanges& changes, Run& run) {
    changes.Fail(run, {ErrorClass::kWorkerDied, what});
  });
}

int EndIfTooLong(Tx& tx, const Batch& batch) {
  const std::optional<Queue> queue = tx.FindQueue(batch.queue);
  if (!queue || !TakesTooLong(*queue, batch.start_time, tx.now())) return 0;
  const std::string what = absl::StrCat(
      "took longer than ",
      absl::FormatDuration(queue->settings.run_duration_max),
      ", the limit of queues/", batch.queue, " (run_duration_max)");
  return EndBatch(tx, batch, [&](RunChanges& changes, Run& run) {
    changes.Fail(run, {ErrorClass::kEngine, what});
  });
}

// Gathers the answers of several writes; the last one to come calls `done`.
class Gathered {
 public:
  Gathered(size_t count, absl::AnyInvocable<void(absl::Status)> done)
      : left_(count), done_(std::move(done)) {}
  void Take(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      status_.Update(status);
      if (--left_ > 0) return;
    }
    done_(status_);
  }

 private:
  std::mutex mutex_;
  size_t left_;          // guarded by mutex_
  absl::Status status_;  // guarded by mutex_
  absl::AnyInvocable<void(absl::Status)> done_;
};

}  // namespace

bool TakesTooLong(const Queue& queue, absl::Time start_time, absl::Time now) {
  return now - start_time >= queue.settings.run_duration_max;
}

int EndLease(Tx& tx, BatchId id, LeaseEnd how) {
  const std::optional<Batch> batch = tx.FindBatch(id);
  if (!batch) return 0;
  switch (how) {
    case LeaseEnd::kExpired:
      if (batch->lease_expire_time > tx.now()) return 0;
      return EndByDeath(tx, *batch,
                        absl::StrCat("worker ", batch->worker_name,
                                     " did not report until its lease ended"));
    case LeaseEnd::kDied:
      return EndByDeath(tx, *batch,
                        absl::StrCat("worker ", batch->worker_name, " died"));
    case LeaseEnd::kTooLong:
      return EndIfTooLong(tx, *batch);
    case LeaseEnd::kHandedBack:
      break;
  }
  return EndBatch(tx, *batch,
                  [](RunChanges& changes, Run& run) { changes.HandBack(run); });
}

void EndLeasesOf(Store& store, WorkerId worker, LeaseEnd how,
                 absl::AnyInvocable<void(absl::Status)> done) {
  auto held = std::make_shared<std::vector<BatchId>>();
  store.Write(
      [worker, held](Tx& tx) {
        held->clear();
        for (const LeaseKey& lease : tx.Leases(absl::InfiniteFuture())) {
          if (lease.worker == worker) held->push_back(lease.batch);
        }
        return absl::OkStatus();
      },
      [&store, how, held,
       done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok() || held->empty()) return done(status);
        auto all = std::make_shared<Gathered>(held->size(), std::move(done));
        for (const BatchId batch : *held) {
          store.Write(
              [batch, how](Tx& tx) {
                EndLease(tx, batch, how);
                return absl::OkStatus();
              },
              [all](const absl::Status& ended) { all->Take(ended); },
              {.own = true});
        }
      },
      {.own = true});
}

}  // namespace sheaf
