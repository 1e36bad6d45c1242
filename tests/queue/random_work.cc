// The random steps of workers and operators; random_ops.cc has the rest.
#include <algorithm>

#include "queue/leasing/maintain.h"
#include "tests/queue/builders.h"
#include "tests/queue/random_ops.h"

namespace sheaf {
namespace {

constexpr size_t kLeasesKept = 12;
constexpr size_t kReportsKept = 200;

constexpr ErrorClass kErrors[] = {
    ErrorClass::kTransient, ErrorClass::kOutOfMemory, ErrorClass::kWorkerDied,
    ErrorClass::kBadInput,  ErrorClass::kEngine,      ErrorClass::kDeadline};

}  // namespace

Lessee RandomOps::AnyWorker() {
  static const std::vector<Lessee> workers = {
      MakeWorker({.id = WorkerId{1}}),
      MakeWorker({.id = WorkerId{2}, .models = {"m1"}}),
      MakeWorker({.id = WorkerId{3}, .queues = {"night"}}),
      MakeWorker({.id = WorkerId{4},
                  .kinds = {"inference"},
                  .models = {"*"},
                  .batch_size_max = 2})};
  return AnyOf(workers);
}

void RandomOps::LeaseSome() {
  Lessee worker = AnyWorker();
  worker.new_secret = "secret number " + std::to_string(Below(100));
  const LeaseResult result =
      twins_.Write("Lease", [&](Tx& tx) { return Lease(tx, worker, kLease); });
  Count("Lease",
        result.leased ? absl::OkStatus() : absl::NotFoundError("nothing"));
  if (!result.leased) {
    EXPECT_GT(result.next_time,
              Read(twins_.memory(), [](View& view) { return view.now(); }));
    return;
  }
  const auto queue = Read(twins_.memory(), [&](View& view) {
    return view.FindQueue(result.leased->batch.queue);
  });
  EXPECT_NE(queue->state, QueueState::kPaused) << "a paused queue dispatched";
  leases_.push_back(*result.leased);
  if (leases_.size() > kLeasesKept) leases_.pop_front();
}

Outcome RandomOps::AnyOutcome() {
  switch (Below(10)) {
    case 0:
    case 1:
      return MakeError(kErrors[Below(std::size(kErrors))]);
    case 2:
      return StoppedAsOrdered{};
    case 3:
      return HandedBack{};
    case 4:
      return Succeeded{};
    default:
      return Succeeded{{{AnyDigest(), "0.png", "image/png"}}};
  }
}

// Mostly the lease's true claim; sometimes one that is nearly true.
LeaseClaim RandomOps::AnyHold(const Batch& batch) {
  LeaseClaim claim = ClaimOf(batch);
  if (OneIn(30)) ++claim.epoch;
  if (OneIn(30)) claim.worker.value = 1 + claim.worker.value % 4;
  if (OneIn(30)) claim.secret += "!";
  if (OneIn(60)) claim.secret.clear();
  return claim;
}

void RandomOps::FinishSome() {
  if (leases_.empty()) return;
  const Leased& leased = leases_[Below(static_cast<int>(leases_.size()))];
  FinishReport report{AnyHold(leased.batch), {}};
  for (const LeasedRun& member : leased.runs) {
    if (OneIn(5)) continue;
    report.outcomes.push_back(
        {member.run.id, member.run.attempt, AnyOutcome()});
  }
  if (OneIn(40) && !report.outcomes.empty()) {
    report.outcomes.push_back(report.outcomes[0]);
  }
  if (OneIn(40)) report.outcomes.push_back({AnyRunId(), 1, AnyOutcome()});
  if (OneIn(6)) AddForeign(leased, &report);
  const auto states =
      twins_.Write("Finish", [&](Tx& tx) { return Finish(tx, report); });
  Count("Finish", states.status());
  EXPECT_TRUE(!states.ok() ||
              MarkOf(report.claim) == MarkOf(ClaimOf(leased.batch)))
      << "a stranger's report was taken";
  reports_.push_back(std::move(report));
  if (reports_.size() > kReportsKept) reports_.erase(reports_.begin());
}

// Adds outcomes of runs that the worker may not report: runs that wait for
// another run's picture, and runs of another batch.
void RandomOps::AddForeign(const Leased& leased, FinishReport* report) {
  for (const auto& [twin, of] : leased.batch.twins) {
    if (OneIn(2)) report->outcomes.push_back({twin, 1, AnyOutcome()});
  }
  const Leased& other = leases_[Below(static_cast<int>(leases_.size()))];
  for (const LeasedRun& member : other.runs) {
    if (OneIn(2)) {
      report->outcomes.push_back(
          {member.run.id, member.run.attempt, AnyOutcome()});
    }
  }
  std::shuffle(report->outcomes.begin(), report->outcomes.end(), random_);
}

// A worker that got no answer sends the same report again.
void RandomOps::FinishAgain() {
  if (reports_.empty()) return;
  const FinishReport report = AnyOf(reports_);
  const auto states =
      twins_.Write("Finish", [&](Tx& tx) { return Finish(tx, report); });
  Count("Finish again", states.status());
}

void RandomOps::BeatHeart() {
  if (leases_.empty()) return;
  const LeaseClaim claim =
      AnyHold(leases_[Below(static_cast<int>(leases_.size()))].batch);
  const HeartbeatReply orders = twins_.Write(
      "Heartbeat", [&](Tx& tx) { return Heartbeat(tx, claim, kLease); });
  Count("Heartbeat",
        orders.lost ? absl::NotFoundError("lost") : absl::OkStatus());
}

void RandomOps::Release() {
  if (leases_.empty()) return;
  const LeaseClaim claim =
      AnyHold(leases_[Below(static_cast<int>(leases_.size()))].batch);
  const auto count = twins_.Write(
      "ReleaseLease", [&](Tx& tx) { return ReleaseLease(tx, claim); });
  Count("ReleaseLease", count.status());
}

void RandomOps::LoseWorker() {
  const WorkerId worker = AnyWorker().id;
  const auto how = OneIn(2) ? LeaseEnd::kDied : LeaseEnd::kHandedBack;
  twins_.Write("EndLeasesOf", [&](Tx& tx) {
    EndLeasesOf(tx, worker, how);
    return true;
  });
}

void RandomOps::Renew() {
  twins_.Write("RenewLeases", [](Tx& tx) {
    RenewLeases(tx, kLease);
    return true;
  });
}

// Operators.

void RandomOps::ChangeQueue() {
  QueuePatch patch;
  using S = QueueSettings;
  if (OneIn(2)) patch.Set(&S::batch_size, 1 + Below(6));
  if (OneIn(2)) patch.Set(&S::attempts_max, 1 + Below(4));
  if (OneIn(3)) patch.Set(&S::runs_max, 100 + Below(100));
  if (OneIn(3)) patch.Set(&S::keep_failed, absl::Minutes(Below(300)));
  if (OneIn(6)) {
    patch.Set(&S::run_duration_max, OneIn(2) ? absl::Minutes(1 + Below(20))
                                             : absl::InfiniteDuration());
  }
  const std::string name = AnyQueue();
  const int64_t version = OneIn(3) ? Below(50) : 0;
  const auto queue = twins_.Write("UpdateQueue", [&](Tx& tx) {
    return UpdateQueue(tx, name, patch, version);
  });
  Count("UpdateQueue", queue.status());
}

void RandomOps::PauseOrResume() {
  const std::string name = AnyQueue();
  const int choice = Below(24);
  if (choice == 0) {
    const auto queue = twins_.Write("DrainQueue", [&](Tx& tx) {
      return DrainQueue(tx, name, "closing", "ann");
    });
    return Count("DrainQueue", queue.status());
  }
  if (choice > 11) {
    const auto queue = twins_.Write(
        "ResumeQueue", [&](Tx& tx) { return ResumeQueue(tx, name, "bob"); });
    return Count("ResumeQueue", queue.status());
  }
  Pause pause{.reason = "tea", .actor = "ann"};
  if (OneIn(2)) {
    pause.resume_time = twins_.clock().now() + absl::Seconds(Below(60) - 5);
  }
  if (OneIn(2)) pause.mode = PauseMode::kNextStep;
  const auto queue = twins_.Write(
      "PauseQueue", [&](Tx& tx) { return PauseQueue(tx, name, pause); });
  Count("PauseQueue", queue.status());
}

void RandomOps::MakeOrDropQueue() {
  const std::string name = AnyQueue();
  const absl::Status dropped = twins_.Write(
      "DeleteQueue", [&](Tx& tx) { return DeleteQueue(tx, name); });
  Count("DeleteQueue", dropped);
  if (OneIn(3) && dropped.ok()) return;
  for (const std::string& missing : queues_) {
    const auto made = twins_.Write("CreateQueue", [&](Tx& tx) {
      return CreateQueue(tx, missing, {.runs_max = 150});
    });
    Count("CreateQueue", made.status());
  }
}

void RandomOps::Purge() {
  const std::string name = AnyQueue();
  const int limit = 1 + Below(40);
  const auto count = twins_.Write(
      "PurgeSome", [&](Tx& tx) { return PurgeSome(tx, name, "ann", limit); });
  Count("PurgeSome", count.status());
}

void RandomOps::Upload() {
  const std::string digest = AnyDigest();
  const int64_t size = 1 + Below(1000);
  twins_.Write("SaveArtifact", [&](Tx& tx) {
    tx.SaveArtifact({digest, size, "image/png", tx.now()});
    return true;
  });
}

void RandomOps::CollectGarbage() {
  const absl::Duration age = absl::Minutes(Below(30));
  twins_.Write("DeleteArtifact", [&](Tx& tx) {
    for (const Artifact& artifact :
         tx.UnreferencedArtifacts(tx.now() - age, 2)) {
      tx.DeleteArtifact(artifact.digest);
    }
    return true;
  });
}

}  // namespace sheaf
