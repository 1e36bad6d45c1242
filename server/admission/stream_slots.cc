#include "server/admission/stream_slots.h"

#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kSweep = absl::Seconds(1);
constexpr absl::Duration kRetry = absl::Seconds(1);

std::string Show(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(100)));
}

}  // namespace

StreamSlots::StreamSlots(Options options, Clock clock)
    : options_(std::move(options)), clock_(std::move(clock)) {}

absl::Duration StreamSlots::SteadyTime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

std::unique_ptr<StreamSlots::Stream> StreamSlots::Enter(const Caller& caller,
                                                        End end) {
  const absl::Duration now = clock_();
  const absl::MutexLock lock(&mutex_);
  Entry& entry = entries_.emplace_back();
  entry.caller = caller;
  entry.end = std::move(end);
  entry.since = now;
  entry.slow_since = now;
  return std::unique_ptr<Stream>(new Stream(this, std::prev(entries_.end())));
}

absl::Status StreamSlots::Claim(Entry* entry) {
  Ending yielding;
  {
    const absl::MutexLock lock(&mutex_);
    if (entry->placed) return absl::OkStatus();
    const absl::Status full = WithRetryAfter(
        Error(Reason::kOverloaded,
              absl::StrCat("too many ", options_.what, " are under way")),
        kRetry);
    if (entry->ended) return full;
    if (taken_ >= options_.count_max) {
      Entry* other = Yielding(*entry);
      if (other == nullptr) return full;
      yielding = Dismiss(
          other, WithRetryAfter(
                     Error(Reason::kOverloaded,
                           absl::StrCat("there are too many ", options_.what,
                                        "; this one's place went to another")),
                     kRetry));
    }
    Place(entry);
  }
  if (yielding.end) yielding.end(yielding.status);
  return absl::OkStatus();
}

StreamSlots::Entry* StreamSlots::Yielding(const Entry& asking) {
  const absl::Duration now = clock_();
  const int address = PlacesOf(asking.caller.address);
  const int connection = PlacesOf(asking.caller.connection);
  Entry* chosen = nullptr;
  std::tuple<bool, int, int, bool, absl::Duration> most;
  for (Entry& entry : entries_) {
    if (!entry.placed) continue;
    const absl::Duration slow_for = now - entry.slow_since;
    const bool slow = entry.waiting && slow_for >= options_.yield_after;
    // A stream that the server works on may be greedy, too: a caller with many
    // streams has to yield one even while all of them stand in the disk's line.
    const bool greedy = entry.caller.address == asking.caller.address
                            ? *entry.of_connection > connection + 1
                            : *entry.of_address > address + 1;
    if (!slow && !greedy) continue;
    const std::tuple rank(slow, *entry.of_address, *entry.of_connection,
                          entry.waiting, slow_for);
    if (chosen == nullptr || rank > most) {
      chosen = &entry;
      most = rank;
    }
  }
  return chosen;
}

void StreamSlots::Sweep() {
  std::vector<Ending> endings;
  {
    const absl::Duration now = clock_();
    const absl::MutexLock lock(&mutex_);
    for (Entry& entry : entries_) {
      const absl::Duration silent_for = now - entry.since;
      if (entry.ended || !entry.waiting || silent_for < options_.silence_max) {
        continue;
      }
      endings.push_back(Dismiss(
          &entry,
          Error(Reason::kStreamIdle,
                absl::StrCat("the stream stood still for ", Show(silent_for),
                             "; ", options_.what, " may for ",
                             Show(options_.silence_max), " at most"))));
    }
  }
  for (const Ending& ending : endings) ending.end(ending.status);
}

void StreamSlots::SweepBy(Timer* timer) {
  timer->After(kSweep, [this, timer] {
    Sweep();
    SweepBy(timer);
  });
}

int StreamSlots::taken() const {
  const absl::MutexLock lock(&mutex_);
  return taken_;
}

StreamSlots::Ending StreamSlots::Dismiss(Entry* entry, absl::Status status) {
  if (entry->placed) Unplace(entry);
  entry->ended = true;
  return {std::move(entry->end), std::move(status)};
}

void StreamSlots::Leave(Entries::iterator entry) {
  End end;  // destroyed after the lock: it may own other things
  const absl::MutexLock lock(&mutex_);
  if (entry->placed) Unplace(&*entry);
  end = std::move(entry->end);
  entries_.erase(entry);
}

void StreamSlots::Place(Entry* entry) {
  entry->placed = true;
  ++taken_;
  entry->of_address = &callers_[entry->caller.address];
  ++*entry->of_address;
  entry->of_connection = &callers_[entry->caller.connection];
  // A UNIX socket's one connection is counted once.
  if (entry->of_connection != entry->of_address) ++*entry->of_connection;
}

void StreamSlots::Unplace(Entry* entry) {
  entry->placed = false;
  --taken_;
  const bool twice = entry->of_connection != entry->of_address;
  if (--*entry->of_address == 0) callers_.erase(entry->caller.address);
  if (twice && --*entry->of_connection == 0) {
    callers_.erase(entry->caller.connection);
  }
}

int StreamSlots::PlacesOf(const std::string& caller) const {
  const auto found = callers_.find(caller);
  return found == callers_.end() ? 0 : found->second;
}

void StreamSlots::Stream::Heard(int64_t bytes) {
  const absl::Duration now = slots_->clock_();
  const absl::MutexLock lock(&slots_->mutex_);
  entry_->waiting = false;
  entry_->since = now;
  entry_->bytes += bytes;
  if (entry_->bytes < slots_->options_.pace_bytes) return;
  entry_->bytes = 0;
  entry_->slow_since = now;
}

void StreamSlots::Stream::Waits() {
  const absl::Duration now = slots_->clock_();
  const absl::MutexLock lock(&slots_->mutex_);
  // Time that the server took is not the caller's slowness.
  if (!entry_->waiting) entry_->slow_since += now - entry_->since;
  entry_->waiting = true;
  entry_->since = now;
}

}  // namespace sheaf::server
