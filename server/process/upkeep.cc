#include "server/process/upkeep.h"

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "queue/leasing/lease.h"
#include "server/handlers/checkpoints.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kRound = absl::Seconds(1);
// On the steady clock: a wall clock that is set stops nothing.
constexpr auto kFirstCollection = std::chrono::seconds(30);
constexpr auto kCollection = std::chrono::minutes(5);
constexpr int kCollectionStep = 200;
// One round may fail for a moment's want of something.
constexpr int kFailuresToTell = 3;

}  // namespace

UpkeepThread::UpkeepThread(Core* core, ServerClock* clock,
                           UpkeepOptions options)
    : core_(core),
      clock_(clock),
      options_(std::move(options)),
      next_collection_(std::chrono::steady_clock::now() + kFirstCollection),
      thread_([this] { Loop(); }) {}

void UpkeepThread::Stop() {
  stopping_.Set();
  if (thread_.joinable()) thread_.join();
}

std::string UpkeepThread::Problem() const {
  absl::MutexLock lock(&mutex_);
  if (failures_ < kFailuresToTell) return "";
  return absl::StrCat(
      "upkeep fails: leases do not end, deadlines and retention do nothing: ",
      failure_);
}

void UpkeepThread::Note(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  failures_ = status.ok() ? 0 : failures_ + 1;
  failure_ = std::string(status.message());
  if (failures_ == kFailuresToTell) {
    Log(spdlog::level::err, "upkeep", "rounds fail",
        {{"status", status.ToString()}});
  }
}

void UpkeepThread::Loop() {
  while (!stopping_.WaitFor(kRound)) {
    if (clock_->StepPending() > absl::ZeroDuration()) AdoptStep();
    Round();
    if (std::chrono::steady_clock::now() >= next_collection_ &&
        clock_->IsSettled()) {
      CollectArtifacts();
    }
    options_.on_tick();
  }
}

void UpkeepThread::Round() {
  while (true) {
    Upkeep upkeep = options_.upkeep;
    upkeep.leases_only = !clock_->IsSettled();
    const absl::StatusOr<bool> more = options_.caretaker->Round(upkeep);
    Note(more.status());
    if (!more.ok() || !*more || stopping_.IsSet()) return;
  }
}

// The time that was skipped is time that no worker had: leases end that much
// later. The transaction still counts from before the step.
void UpkeepThread::AdoptStep() {
  absl::Duration step;
  const absl::Status status = WriteAndWait(*core_->store, [&](Tx& tx) {
    step += clock_->AdoptStep();  // once, however often this runs
    RenewLeases(tx, core_->lease_duration, step);
    return absl::OkStatus();
  });
  Log(spdlog::level::warn, "clock",
      absl::StrCat("the system clock went ahead by ",
                   absl::FormatDuration(step),
                   "; leases were given their full time again"),
      {{"status", status.ToString()}});
}

void UpkeepThread::CollectArtifacts() {
  next_collection_ = std::chrono::steady_clock::now() + kCollection;
  const absl::Time before = core_->now() - options_.artifact_keep;
  while (true) {
    const auto removed =
        core_->artifacts->CollectGarbage(before, kCollectionStep);
    if (!removed.ok()) {
      Log(spdlog::level::warn, "artifacts", "collection failed",
          {{"status", removed.status().ToString()}});
      return;
    }
    if (*removed < kCollectionStep || stopping_.IsSet()) break;
  }
  if (const auto swept = core_->artifacts->SweepOrphans(before); !swept.ok()) {
    Log(spdlog::level::warn, "artifacts", "the sweep failed",
        {{"status", swept.status().ToString()}});
  }
  const absl::Status status =
      SweepCheckpoints(*core_->store, *core_->checkpoints);
  if (!status.ok()) {
    Log(spdlog::level::warn, "checkpoints", "the sweep failed",
        {{"status", status.ToString()}});
  }
}

}  // namespace sheaf::server
