#include "server/scheduling/lease_waiters.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/crash_point.h"
#include "base/secret.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

absl::Status NotHeld(const Lessee& who) {
  return Error(Reason::kLeaseLost,
               absl::StrCat(NameOf(who.beside), " is not held by ", who.name));
}

}  // namespace

int64_t LeaseWaiters::Wait(Lessee who, absl::Time until, Answer answer) {
  DropJoin(who.id);
  auto entry = std::make_shared<Waiting>();
  entry->address = parts_.workers->AddressOf(who.id);
  entry->who = std::move(who);
  entry->since = parts_.now();
  entry->until = until;
  entry->answer = std::move(answer);
  int64_t handle;
  {
    absl::MutexLock lock(&mutex_);
    handle = next_handle_++;
    waiting_[handle] = entry;
  }
  Try(handle, std::move(entry));
  return handle;
}

void LeaseWaiters::Drop(int64_t handle) {
  Entry entry;
  {
    absl::MutexLock lock(&mutex_);
    const auto at = waiting_.find(handle);
    if (at == waiting_.end()) return;
    at->second->dropped = true;
    // A try under way answers for itself.
    if (!at->second->parked) return;
    entry = at->second;
    waiting_.erase(at);
    parts_.timer->Cancel(entry->end_of_wait);
  }
  entry->answer(std::optional<Leased>());
}

void LeaseWaiters::DropWorker(WorkerId worker) {
  std::vector<int64_t> handles;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [handle, entry] : waiting_) {
      if (entry->who.id == worker) handles.push_back(handle);
    }
  }
  for (int64_t handle : handles) Drop(handle);
}

void LeaseWaiters::DropJoin(WorkerId worker) {
  std::vector<int64_t> handles;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [handle, entry] : waiting_) {
      if (entry->who.id == worker && entry->who.beside) {
        handles.push_back(handle);
      }
    }
  }
  for (int64_t handle : handles) Drop(handle);
}

void LeaseWaiters::Try(int64_t handle, Entry entry) {
  {
    absl::MutexLock lock(&mutex_);
    entry->parked = false;
    entry->signals_seen = signals_;
  }
  // Drawn before the write, which may run twice.
  entry->who.new_secret = RandomBytes();
  auto result = std::make_shared<LeaseResult>();
  parts_.store->Write(
      [this, entry, result](Tx& tx) {
        *result = Lease(tx, entry->who, parts_.lease_duration, parts_.policy);
        if (result->leased) SHEAF_CRASH_POINT("mid-lease");
        return absl::OkStatus();
      },
      [this, handle, entry, result](const absl::Status& status) {
        ++looks_;
        if (status.ok() && !result->leased && !result->lost) {
          return Park(handle, entry, result->next_time);
        }
        {
          absl::MutexLock lock(&mutex_);
          waiting_.erase(handle);
        }
        if (!status.ok()) return entry->answer(status);
        if (result->lost) return entry->answer(NotHeld(entry->who));
        parts_.stats->NoteLease(*result->leased);
        entry->answer(std::move(result->leased));
      },
      // All calls for work from one address have one share of the writer's
      // time, apart from the share of the address's other calls.
      {.caller = NameOf(entry->who.id),
       .group = absl::StrCat("leases of ", entry->address)});
}

void LeaseWaiters::Park(int64_t handle, Entry entry, absl::Time next_time) {
  bool again = false;
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_ || entry->dropped || entry->until <= parts_.now()) {
      waiting_.erase(handle);
    } else if (entry->signals_seen != signals_) {
      again = true;  // news came between the look and now
    } else {
      entry->parked = true;
      entry->end_of_wait = parts_.timer->After(
          entry->until - parts_.now(), [this, handle] { Drop(handle); });
    }
    if (!again && entry->parked) {
      if (next_time < wake_time_) WakeAt(next_time);
      return;
    }
  }
  if (again) return Try(handle, std::move(entry));
  entry->answer(std::optional<Leased>());
}

void LeaseWaiters::WakeAt(absl::Time time) {
  wake_time_ = time;
  parts_.timer->After(std::max(time - parts_.now(), absl::ZeroDuration()),
                      [this, time] {
                        {
                          absl::MutexLock lock(&mutex_);
                          if (wake_time_ == time)
                            wake_time_ = absl::InfiniteFuture();
                        }
                        Signal();
                      });
}

void LeaseWaiters::Signal() {
  std::vector<std::pair<int64_t, Entry>> woken;
  {
    absl::MutexLock lock(&mutex_);
    ++signals_;
    for (auto& [handle, entry] : waiting_) {
      if (!entry->parked) continue;
      entry->parked = false;
      parts_.timer->Cancel(entry->end_of_wait);
      woken.emplace_back(handle, entry);
    }
  }
  // Idle workers go before busy ones that could take extra runs.
  std::stable_partition(woken.begin(), woken.end(), [](const auto& waiting) {
    return !waiting.second->who.beside;
  });
  for (auto& [handle, entry] : woken) Try(handle, std::move(entry));
}

std::map<WorkerId, absl::Time> LeaseWaiters::Idle() const {
  absl::MutexLock lock(&mutex_);
  std::map<WorkerId, absl::Time> idle;
  for (const auto& [handle, entry] : waiting_) {
    if (!entry->dropped && !entry->who.beside)
      idle[entry->who.id] = entry->since;
  }
  return idle;
}

void LeaseWaiters::Stop() {
  std::vector<int64_t> handles;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    for (const auto& [handle, entry] : waiting_) handles.push_back(handle);
  }
  for (int64_t handle : handles) Drop(handle);
}

}  // namespace sheaf::server
