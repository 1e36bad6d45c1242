// A fixture for use cases: a store with the default queue, and frequent calls.
#pragma once

#include <string>
#include <vector>

#include "queue/jobs.h"
#include "queue/queues.h"
#include "tests/queue/builders.h"
#include "tests/queue/stores.h"

namespace sheaf {

class UseCaseTest : public StoreTest {
 protected:
  UseCaseTest() {
    Write([](Tx& tx) { EnsureDefaultQueue(tx); });
  }

  absl::StatusOr<Submitted> TrySubmit(NewJob job) {
    return Write(
        [&](Tx& tx) { return sheaf::Submit(tx, MakeJob(std::move(job))); });
  }
  Job Submit(NewJob job = {}) { return TrySubmit(std::move(job)).value().job; }

  LeaseResult TryLease(Lessee worker = {}) {
    return Write([&](Tx& tx) {
      ExpireLeases(tx);
      return sheaf::Lease(tx, MakeWorker(std::move(worker)), kLease);
    });
  }
  Leased Lease(Lessee worker = {}) {
    LeaseResult result = TryLease(std::move(worker));
    EXPECT_TRUE(result.leased.has_value());
    return result.leased.value_or(Leased());
  }

  absl::StatusOr<std::vector<RunState>> Finish(const FinishReport& report) {
    return Write([&](Tx& tx) { return sheaf::Finish(tx, report); });
  }
  // Leases once and ends all of it by `outcome`.
  Leased LeaseAndFinish(const Outcome& outcome) {
    Leased leased = Lease();
    EXPECT_TRUE(Finish(MakeReport(leased, outcome)).ok());
    return leased;
  }

  Run GetRun(RunId id) {
    return Read([&](View& view) { return view.FindRun(id).value(); });
  }
  Run GetRun(const Job& job, int index = 0) {
    return GetRun(RunId(job.id, index));
  }
  Job GetJob(JobId id) {
    return Read([&](View& view) { return view.FindJob(id).value(); });
  }
  Job GetJob(const Job& job) { return GetJob(job.id); }
  Queue GetQueue(const std::string& name = kDefaultQueue) {
    return Read([&](View& view) { return view.FindQueue(name).value(); });
  }
  std::vector<Attempt> GetAttempts(RunId id) {
    return Read([&](View& view) { return view.Attempts(id); });
  }
  Event LastEvent() {
    return Read([](View& view) {
      return view.Events(view.LastSequence() - 1, 1).at(0);
    });
  }
  int64_t LastSequence() {
    return Read([](View& view) { return view.LastSequence(); });
  }

  Queue Configure(const QueueSettings& changes,
                  const std::string& name = kDefaultQueue) {
    return Configure(PatchOf(changes), name);
  }
  Queue Configure(const QueuePatch& patch,
                  const std::string& name = kDefaultQueue) {
    return Write([&](Tx& tx) { return UpdateQueue(tx, name, patch, 0); })
        .value();
  }
  void Upload(const std::string& digest) {
    Write([&](Tx& tx) {
      tx.SaveArtifact({digest, 10, "image/png", tx.now()});
    });
  }
};

// EXPECT_THAT(result, FailsWith(Reason::kQueueFull));
MATCHER_P(FailsWith, reason, std::string(InfoOf(reason).name)) {
  const absl::Status status = StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return ReasonOf(status) == reason;
}

}  // namespace sheaf
