#include "server/scheduling/lease_waiters.h"

#include <algorithm>
#include <utility>

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

// Whether runs of a lane may join a batch of lane `beside`.
bool MayJoin(const Lane& lane, const Lane& beside) {
  return lane.queue == beside.queue && DifferInOwnerAlone(lane, beside);
}

}  // namespace

LeaseWaiters::Service LeaseWaiters::ServiceOf(const Lessee& who) {
  return {who.queues.fingerprint(), who.kinds.fingerprint(),
          who.models.fingerprint(), who.pixels_max};
}

int64_t LeaseWaiters::Wait(Lessee who, absl::Time until, Answer answer) {
  DropJoin(who.id);
  auto entry = std::make_shared<Waiting>();
  entry->address = parts_.workers->AddressOf(who.id);
  entry->who = std::move(who);
  entry->until = until;
  entry->answer = std::move(answer);
  int64_t handle;
  {
    absl::MutexLock lock(&mutex_);
    handle = next_handle_++;
    waiting_[handle] = entry;
    of_worker_[entry->who.id].insert(handle);
    if (!entry->who.beside) parts_.places->Waits(entry->who);
  }
  Try(handle, std::move(entry));
  return handle;
}

void LeaseWaiters::Erase(int64_t handle) {
  const auto at = waiting_.find(handle);
  if (at == waiting_.end()) return;
  const Entry& entry = at->second;
  if (entry->parked) Unpark(handle, entry);
  looking_.erase(handle);
  const auto same = of_worker_.find(entry->who.id);
  same->second.erase(handle);
  if (same->second.empty()) of_worker_.erase(same);
  if (!entry->who.beside) parts_.places->WaitsNoMore(entry->who.id);
  waiting_.erase(at);
}

void LeaseWaiters::SetParked(int64_t handle, const Entry& entry) {
  entry->parked = true;
  ++parked_count_;
  if (entry->who.beside) {
    joining_.insert(handle);
  } else {
    idle_[ServiceOf(entry->who)].insert(handle);
  }
}

void LeaseWaiters::Unpark(int64_t handle, const Entry& entry) {
  entry->parked = false;
  --parked_count_;
  parts_.timer->Cancel(entry->end_of_wait);
  if (entry->who.beside) {
    joining_.erase(handle);
    return;
  }
  const auto alike = idle_.find(ServiceOf(entry->who));
  alike->second.erase(handle);
  if (alike->second.empty()) idle_.erase(alike);
}

void LeaseWaiters::Drop(int64_t handle) {
  Entry entry;
  {
    absl::MutexLock lock(&mutex_);
    const auto at = waiting_.find(handle);
    if (at == waiting_.end()) return;
    entry = at->second;
    entry->dropped = true;
    // A look under way answers for itself.
    if (!entry->parked) return;
    Erase(handle);
  }
  entry->answer(std::optional<Leased>());
}

void LeaseWaiters::DropWorker(WorkerId worker) {
  std::vector<int64_t> handles;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = of_worker_.find(worker);
    if (found == of_worker_.end()) return;
    handles.assign(found->second.begin(), found->second.end());
  }
  for (int64_t handle : handles) Drop(handle);
}

void LeaseWaiters::DropJoin(WorkerId worker) {
  std::vector<int64_t> handles;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = of_worker_.find(worker);
    if (found == of_worker_.end()) return;
    for (const int64_t handle : found->second) {
      if (waiting_.at(handle)->who.beside) handles.push_back(handle);
    }
  }
  for (int64_t handle : handles) Drop(handle);
}

void LeaseWaiters::Try(int64_t handle, Entry entry) {
  {
    absl::MutexLock lock(&mutex_);
    entry->again = false;
    looking_.insert(handle);
  }
  // Drawn before the write, which may run twice.
  entry->who.new_secret = RandomBytes();
  struct Found {
    LeaseResult result;
    std::optional<Lane> more;
  };
  auto found = std::make_shared<Found>();
  parts_.store->Write(
      [this, entry, found](Tx& tx) {
        *found = {};
        found->result =
            Lease(tx, entry->who, parts_.lease_duration, parts_.policy);
        const bool leased = found->result.leased.has_value();
        // Leases after this one must not count on the worker.
        if (!entry->who.beside) {
          parts_.places->SetTaking(entry->who.id, leased);
        }
        if (leased && parked_count_ > 0) {
          Lessee free = entry->who;
          free.beside = {};
          found->more = NextWork(tx, free, parts_.policy);
        }
        if (leased) SHEAF_CRASH_POINT("mid-lease");
        return absl::OkStatus();
      },
      [this, handle, entry, found](const absl::Status& status) {
        Tried(handle, entry, status, std::move(found->result), found->more);
      },
      // All calls for work from one address have one share of the writer's
      // time, apart from the share of the address's other calls.
      {.caller = NameOf(entry->who.id),
       .group = absl::StrCat("leases of ", entry->address)});
}

void LeaseWaiters::Tried(int64_t handle, const Entry& entry,
                         const absl::Status& status, LeaseResult result,
                         const std::optional<Lane>& more) {
  ++looks_;
  const bool found_nothing = status.ok() && !result.leased && !result.lost;
  std::optional<Lane> news;
  {
    absl::MutexLock lock(&mutex_);
    entry->beside = result.beside;
    news = std::exchange(entry->news, std::nullopt);
    if (!found_nothing) Erase(handle);
  }
  if (status.ok() && parts_.looked) parts_.looked(result.notes, parts_.now());
  if (more) Offer(*more, 1);
  if (result.better) OfferTo(result.better);
  // A worker that cannot join, or whose call fails, leaves the news to others.
  if (news && !result.leased && (!found_nothing || entry->who.beside)) {
    Offer(*news, 1, handle);
  }
  if (found_nothing) return Park(handle, entry, result.next_time);
  if (!status.ok()) return entry->answer(status);
  if (result.lost) return entry->answer(NotHeld(entry->who));
  parts_.stats->NoteLease(*result.leased);
  entry->answer(std::move(result.leased));
}

void LeaseWaiters::Park(int64_t handle, Entry entry, absl::Time next_time) {
  bool again = false;
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_ || entry->dropped || entry->until <= parts_.now()) {
      Erase(handle);
    } else if (entry->again) {
      again = true;  // news came between the look and now
    } else {
      looking_.erase(handle);
      SetParked(handle, entry);
      entry->end_of_wait = parts_.timer->After(
          entry->until - parts_.now(), [this, handle] { Drop(handle); });
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

void LeaseWaiters::Wake(int64_t handle, const std::optional<Lane>& news,
                        Woken* woken) {
  const Entry& entry = waiting_.at(handle);
  entry->news = news;
  Unpark(handle, entry);
  woken->emplace_back(handle, entry);
}

void LeaseWaiters::TryAll(Woken woken) {
  for (auto& [handle, entry] : woken) Try(handle, std::move(entry));
}

void LeaseWaiters::NoteCommit(const Committed& committed) {
  if (committed.all_ready) return Signal();
  for (const ReadyRuns& ready : committed.ready) {
    Offer(ready.lane, ready.runs);
  }
}

std::optional<int64_t> LeaseWaiters::ParkedOf(WorkerId worker) const {
  const auto found = of_worker_.find(worker);
  if (found == of_worker_.end()) return std::nullopt;
  for (const int64_t handle : found->second) {
    const Waiting& waiting = *waiting_.at(handle);
    if (waiting.parked && !waiting.who.beside) return handle;
  }
  return std::nullopt;
}

void LeaseWaiters::Offer(const Lane& lane, int64_t count, int64_t after) {
  Woken woken;
  {
    absl::MutexLock lock(&mutex_);
    // These may have looked before the runs came.
    for (const int64_t handle : looking_) {
      if (handle == after) continue;
      Waiting& looking = *waiting_.at(handle);
      looking.again = looking.again || CanServe(looking.who, lane);
    }
    std::vector<int64_t> handles;
    // Workers that have the model loaded would be preferred anyway.
    for (const WorkerId worker : parts_.places->IdleWithModel(lane, count)) {
      const auto parked = ParkedOf(worker);
      if (parked) handles.push_back(*parked);
    }
    const std::set<int64_t> loaded(handles.begin(), handles.end());
    for (const auto& [service, alike] : idle_) {
      if (std::ssize(handles) == count) break;
      if (!CanServe(waiting_.at(*alike.begin())->who, lane)) continue;
      for (const int64_t handle : alike) {
        if (std::ssize(handles) == count) break;
        if (!loaded.contains(handle)) handles.push_back(handle);
      }
    }
    // Idle workers go before busy ones that could take extra runs.
    for (auto at = joining_.upper_bound(after); at != joining_.end(); ++at) {
      if (std::ssize(handles) == count) break;
      const Waiting& joining = *waiting_.at(*at);
      if (joining.beside && MayJoin(lane, *joining.beside)) {
        handles.push_back(*at);
      }
    }
    for (const int64_t handle : handles) Wake(handle, lane, &woken);
  }
  TryAll(std::move(woken));
}

void LeaseWaiters::OfferTo(WorkerId worker) {
  Woken woken;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = of_worker_.find(worker);
    if (found == of_worker_.end()) return;
    for (const int64_t handle : found->second) {
      if (waiting_.at(handle)->parked) Wake(handle, std::nullopt, &woken);
    }
  }
  TryAll(std::move(woken));
}

void LeaseWaiters::Signal() {
  Woken woken;
  {
    absl::MutexLock lock(&mutex_);
    for (const int64_t handle : looking_) waiting_.at(handle)->again = true;
    std::vector<int64_t> handles;
    for (const auto& [service, alike] : idle_) {
      handles.push_back(*alike.begin());
    }
    handles.insert(handles.end(), joining_.begin(), joining_.end());
    for (const int64_t handle : handles) Wake(handle, std::nullopt, &woken);
  }
  TryAll(std::move(woken));
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
