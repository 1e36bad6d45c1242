#include "server/scheduling/arrivals.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

constexpr size_t kTimesKept = 64;
constexpr absl::Duration kTimeKept = absl::Seconds(30);
constexpr size_t kTracksKept = 1000;

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

double Arrivals::PerSecond(const Lane& lane, absl::Time now) const {
  absl::MutexLock lock(&mutex_);
  const auto found = tracks_.find(KeyOf(lane));
  if (found == tracks_.end()) return 0;
  int64_t runs = found->second.runs;
  auto first = found->second.times.begin();
  const auto end = found->second.times.end();
  for (; first != end && first->first < now - kTimeKept; ++first) {
    runs -= first->second;
  }
  if (first == end) return 0;
  // The first arrival opens the span; it says nothing about others to come.
  runs -= first->second;
  const absl::Duration span = std::max(now - first->first, absl::Seconds(1));
  return static_cast<double>(runs) / absl::ToDoubleSeconds(span);
}

}  // namespace sheaf::server
