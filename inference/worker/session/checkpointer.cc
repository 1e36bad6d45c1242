#include "inference/worker/session/checkpointer.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/backoff.h"
#include "inference/worker/session/lease_claim.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// A server that restarts is back within this time; after it, repeating the work
// is better than waiting.
constexpr absl::Duration kFetchPatience = absl::Seconds(5);
// Longest time to send one checkpoint; HandBack has less, because the session
// waits for it.
constexpr absl::Duration kSendPatience = absl::Minutes(1);
constexpr absl::Duration kHandBackPatience = absl::Seconds(3);
// While a server takes no checkpoints, one line now and then says so.
constexpr int kFailedSavesPerLine = 100;

}  // namespace

Checkpointer::Checkpointer(Client* client, Options options)
    : client_(client),
      options_(std::move(options)),
      thread_([this] { Work(); }) {}

Checkpointer::~Checkpointer() {
  {
    absl::MutexLock lock(&mutex_);
    quitting_ = true;
    waiting_.clear();
    changed_.SignalAll();
  }
  slot_.Cancel();
  thread_.join();
}

std::string Checkpointer::Fetch(const std::string& worker,
                                const v1::LeasedBatch& batch, int row) {
  v1::LoadCheckpointRequest request;
  LeaseClaim(worker, batch).ShowIn(&request);
  request.set_run(batch.runs(row).run());
  const absl::Time give_up_time = Now() + kFetchPatience;
  Backoff backoff(absl::Milliseconds(100), absl::Seconds(1));
  auto bytes = client_->LoadCheckpoint(request);
  while (!bytes.ok() && IsRetryable(bytes.status()) && Now() < give_up_time) {
    absl::SleepFor(backoff.Next());
    bytes = client_->LoadCheckpoint(request);
  }
  if (bytes.ok()) return *std::move(bytes);
  spdlog::warn("{}: its checkpoint could not be loaded: {}", request.run(),
               bytes.status().ToString());
  return "";
}

void Checkpointer::Begun(const std::string& run, RowSteps from) {
  marks_[run] = {from.step, Now()};
  if (from.step == 0) return;
  spdlog::info("{}: goes on from step {} of {}", run, from.step,
               from.step_count);
}

void Checkpointer::Stepped(const std::string& worker,
                           const v1::LeasedBatch& batch, int index, int step,
                           const std::function<std::string()>& save) {
  const std::string& run = batch.runs(index).run();
  const auto mark = marks_.find(run);
  if (mark == marks_.end() || batch.checkpoint_steps() == 0 ||
      step < mark->second.step + batch.checkpoint_steps() ||
      Now() < mark->second.time + options_.pause) {
    return;
  }
  // Set also if `save` returns nothing, because it has been asked.
  mark->second = {step, Now()};
  Item item = ItemOf(worker, batch, index, step);
  item.bytes = save();
  if (!item.bytes.empty()) Put(std::move(item));
}

bool Checkpointer::HandBack(const std::string& worker,
                            const v1::LeasedBatch& batch, int index, int step,
                            const std::function<std::string()>& save) {
  const std::string& run = batch.runs(index).run();
  const auto mark = marks_.find(run);
  if (mark == marks_.end() || batch.checkpoint_steps() == 0) return true;
  Item item = ItemOf(worker, batch, index, step);
  if (step > mark->second.step) item.bytes = save();
  if (item.bytes.empty()) return true;
  Forget(run);
  // Once the server has this state, it ignores an older one that is still under
  // way.
  CancelSlot slot;
  return Send(item, &slot, kHandBackPatience);
}

Checkpointer::Item Checkpointer::ItemOf(const std::string& worker,
                                        const v1::LeasedBatch& batch, int index,
                                        int step) {
  Item item;
  LeaseClaim(worker, batch).ShowIn(&item.header);
  item.header.set_run(batch.runs(index).run());
  item.header.set_step(step);
  return item;
}

void Checkpointer::Ended(const std::string& run) {
  marks_.erase(run);
  Forget(run);
}

void Checkpointer::Forget(const std::string& run) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(waiting_,
                [&](const Item& each) { return each.header.run() == run; });
}

// Replaces the run's older state at its place in line, so that no row waits for
// ever.
void Checkpointer::Put(Item item) {
  absl::MutexLock lock(&mutex_);
  const auto older = std::find_if(
      waiting_.begin(), waiting_.end(),
      [&](const Item& each) { return each.header.run() == item.header.run(); });
  if (older != waiting_.end()) {
    *older = std::move(item);
  } else {
    waiting_.push_back(std::move(item));
  }
  changed_.SignalAll();
}

void Checkpointer::Work() {
  mutex_.Lock();
  while (!quitting_) {
    if (waiting_.empty()) {
      changed_.Wait(&mutex_);
      continue;
    }
    const Item item = std::move(waiting_.front());
    waiting_.pop_front();
    mutex_.Unlock();
    Send(item, &slot_, kSendPatience);
    mutex_.Lock();
  }
  mutex_.Unlock();
}

bool Checkpointer::Send(const Item& item, CancelSlot* slot,
                        absl::Duration deadline) {
  const absl::Status status =
      client_->SaveCheckpoint(item.header, item.bytes, slot, deadline);
  if (status.ok()) {
    failures_ = 0;
    spdlog::debug("{}: saved at step {}", item.header.run(),
                  item.header.step());
    return true;
  }
  // Other calls report a lost lease.
  if (absl::IsFailedPrecondition(status)) return false;
  if (failures_++ % kFailedSavesPerLine != 0) return false;
  spdlog::warn("{}: not saved at step {}: {}", item.header.run(),
               item.header.step(), status.ToString());
  return false;
}

}  // namespace sheaf::worker
