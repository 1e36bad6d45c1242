#include "server/process/maintenance.h"

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "queue/leasing/lease.h"
#include "server/use_cases/run_checkpoints.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kRound = absl::Seconds(1);
// Times on the steady clock: setting the wall clock stops nothing.
constexpr absl::Duration kFirstCollection = absl::Seconds(30);
constexpr absl::Duration kCollection = absl::Minutes(5);
constexpr int kCollectionStep = 200;
// A single round may fail because something is short for a moment.
constexpr int kFailuresToTell = 3;

}  // namespace

MaintenanceThread::MaintenanceThread(MaintenanceOptions options)
    : options_(std::move(options)),
      next_collection_(options_.steady->Now() + kFirstCollection),
      stopping_(options_.steady),
      thread_([this] { Loop(); }) {}

void MaintenanceThread::Stop() {
  stopping_.Set();
  if (thread_.joinable()) thread_.join();
}

std::string MaintenanceThread::Problem() const {
  absl::MutexLock lock(&mutex_);
  if (failures_ < kFailuresToTell) return "";
  return absl::StrCat(
      "upkeep fails, so leases, deadlines and retention do not end anything: ",
      failure_);
}

void MaintenanceThread::Note(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  failures_ = status.ok() ? 0 : failures_ + 1;
  failure_ = std::string(status.message());
  if (failures_ == kFailuresToTell) {
    Log(spdlog::level::err, "upkeep", "upkeep has failed in several rounds",
        {{"status", status.ToString()}});
  }
}

void MaintenanceThread::Loop() {
  while (!stopping_.WaitFor(kRound)) {
    if (options_.clock->StepPending() > absl::ZeroDuration()) AdoptStep();
    Round();
    if (options_.steady->Now() >= next_collection_ &&
        options_.clock->IsSettled()) {
      CollectArtifacts();
    }
    options_.on_tick();
  }
}

void MaintenanceThread::Round() {
  while (true) {
    Maintenance maintenance = options_.maintenance;
    maintenance.leases_only = !options_.clock->IsSettled();
    const absl::StatusOr<bool> more = options_.caretaker->Round(maintenance);
    Note(more.status());
    if (!more.ok() || !*more || stopping_.IsSet()) return;
  }
}

// No worker had the skipped time, so leases end that much later. The
// transaction still counts from before the step.
void MaintenanceThread::AdoptStep() {
  absl::Duration step;
  const absl::Status status = WriteAndWait(*options_.store, [&](Tx& tx) {
    step += options_.clock->AdoptStep();  // once, however often this runs
    RenewLeases(tx, options_.lease_duration, step);
    return absl::OkStatus();
  });
  Log(spdlog::level::warn, "clock",
      absl::StrCat("the system clock went ahead by ",
                   absl::FormatDuration(step),
                   "; leases were given their full time again"),
      {{"status", status.ToString()}});
}

void MaintenanceThread::CollectArtifacts() {
  next_collection_ = options_.steady->Now() + kCollection;
  const absl::Time before = options_.clock->Now() - options_.artifact_keep;
  while (true) {
    const auto removed =
        options_.artifacts->CollectGarbage(before, kCollectionStep);
    if (!removed.ok()) {
      Log(spdlog::level::warn, "artifacts", "collection failed",
          {{"status", removed.status().ToString()}});
      return;
    }
    if (*removed < kCollectionStep || stopping_.IsSet()) break;
  }
  if (const auto swept = options_.artifacts->SweepOrphans(before);
      !swept.ok()) {
    Log(spdlog::level::warn, "artifacts", "the sweep failed",
        {{"status", swept.status().ToString()}});
  }
  const absl::Status status =
      SweepCheckpoints(*options_.store, *options_.checkpoints);
  if (!status.ok()) {
    Log(spdlog::level::warn, "checkpoints", "the sweep failed",
        {{"status", status.ToString()}});
  }
}

}  // namespace sheaf::server
