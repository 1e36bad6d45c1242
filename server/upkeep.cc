#include "server/upkeep.h"

#include "absl/strings/str_cat.h"
#include "queue/lease.h"
#include "server/checkpoints.h"
#include "server/logging.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kRound = absl::Seconds(1);
constexpr absl::Duration kCollection = absl::Minutes(5);
constexpr int kCollectionStep = 200;

}  // namespace

UpkeepThread::UpkeepThread(Core* core, ServerClock* clock,
                           UpkeepOptions options)
    : core_(core),
      clock_(clock),
      options_(std::move(options)),
      next_collection_(absl::Now() + absl::Seconds(30)),
      thread_([this] { Loop(); }) {}

UpkeepThread::~UpkeepThread() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

bool UpkeepThread::Sleep(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
}

void UpkeepThread::Loop() {
  while (Sleep(kRound)) {
    if (clock_->StepPending() > absl::ZeroDuration()) AdoptStep();
    Round();
    if (absl::Now() >= next_collection_) CollectArtifacts();
    options_.on_tick();
  }
}

void UpkeepThread::Round() {
  while (true) {
    const absl::StatusOr<bool> more =
        options_.caretaker->Round(options_.upkeep);
    if (!more.ok() || !*more || !Sleep(absl::ZeroDuration())) return;
  }
}

// The time that was skipped is time that no worker had: leases end that much
// later. The transaction still counts from before the step.
void UpkeepThread::AdoptStep() {
  absl::Duration step;
  const absl::Status status = WriteAndWait(*core_->store, [&](Tx& tx) {
    step += clock_->AdoptStep();  // once, however often this runs
    RenewLeases(tx, core_->lease_duration + step);
    return absl::OkStatus();
  });
  Log(spdlog::level::warn, "clock",
      absl::StrCat("the system clock went ahead by ",
                   absl::FormatDuration(step),
                   "; leases were given their full time again"),
      {{"status", status.ToString()}});
}

void UpkeepThread::CollectArtifacts() {
  next_collection_ = absl::Now() + kCollection;
  const absl::Time before = core_->now() - options_.artifact_keep;
  while (true) {
    const auto removed =
        core_->artifacts->CollectGarbage(before, kCollectionStep);
    if (!removed.ok()) {
      Log(spdlog::level::warn, "artifacts", "collection failed",
          {{"status", removed.status().ToString()}});
      return;
    }
    if (*removed < kCollectionStep || !Sleep(absl::ZeroDuration())) break;
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
