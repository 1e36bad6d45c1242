#include "server/scheduling/arrivals.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

constexpr size_t kTimesKept = 64;
constexpr absl::Duration kTimeKept = absl::Seconds(30);
constexpr size_t kTracksKept = 1000;
constexpr int kPauses = 3;
// Clients that come together do not come at the same millisecond.
constexpr absl::Duration kHopeLeast = absl::Milliseconds(100);

std::string KeyOf(const Lane& lane) {
  return absl::StrCat(lane.queue, "\n", lane.kind, "\n", lane.model, "\n",
                      lane.vae, "\n", lane.width, "x", lane.height);
}

}  // namespace

void Arrivals::NoteCommit(const Committed& committed, absl::Time now) {
  if (committed.ready.empty()) return;
  absl::MutexLock lock(&mutex_);
  for (const ReadyRuns& ready : committed.ready) {
    if (ready.added == 0) continue;
    Track& track = tracks_[KeyOf(ready.lane)];
    track.times.emplace_back(now, ready.added);
    track.runs += ready.added;
    while (track.times.size() > kTimesKept) {
      track.runs -= track.times.front().second;
      track.times.pop_front();
    }
    if (tracks_.size() > kTracksKept) tracks_.erase(tracks_.begin());
  }
}

std::optional<Arrivals::Recent> Arrivals::RecentOf(const Lane& lane,
                                                   absl::Time now) const {
  absl::MutexLock lock(&mutex_);
  const auto found = tracks_.find(KeyOf(lane));
  if (found == tracks_.end()) return std::nullopt;
  Recent recent;
  for (const auto& [time, runs] : found->second.times) {
    if (time < now - kTimeKept) continue;
    if (++recent.arrivals == 1) {
      recent.first = time;
      recent.runs_of_first = runs;
    }
    recent.last = time;
    recent.runs += runs;
  }
  if (recent.arrivals == 0) return std::nullopt;
  return recent;
}

double Arrivals::PerSecond(const Lane& lane, absl::Time now) const {
  const std::optional<Recent> recent = RecentOf(lane, now);
  if (!recent) return 0;
  // The first arrival opens the span; it says nothing about others to come.
  const auto runs = static_cast<double>(recent->runs - recent->runs_of_first);
  const absl::Duration span = std::max(now - recent->first, absl::Seconds(1));
  return runs / absl::ToDoubleSeconds(span);
}

absl::Time Arrivals::ExpectedBy(const Lane& lane, absl::Time now) const {
  const std::optional<Recent> recent = RecentOf(lane, now);
  if (!recent || recent->arrivals < 2) return absl::InfinitePast();
  const absl::Duration pause =
      (recent->last - recent->first) / (recent->arrivals - 1);
  return recent->last + std::max(kPauses * pause, kHopeLeast);
}

}  // namespace sheaf::server
