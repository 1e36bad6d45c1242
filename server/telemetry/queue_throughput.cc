#include "server/telemetry/queue_throughput.h"

#include <algorithm>
#include <cmath>

namespace sheaf::server {
namespace {

constexpr absl::Duration kSilenceMax = absl::Minutes(10);
constexpr absl::Duration kMemory = absl::Minutes(2);
// A batch is reported run by run within moments: its runs are one group, and
// the time before the group belongs to all of them.
constexpr absl::Duration kGroup = absl::Milliseconds(250);

bool Silent(absl::Time note_time, absl::Time now) {
  return now - note_time > kSilenceMax;
}

}  // namespace

void QueueThroughput::NoteCommit(const Committed& committed, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (const Event& event : committed.events) {
    if (event.type == EventType::kQueueDeleted) tracks_.erase(event.queue);
    if (event.type != EventType::kRunsChanged || !event.batch) continue;
    Note(event.queue,
         static_cast<int>(std::count_if(
             event.runs.begin(), event.runs.end(),
             [](const RunChange& run) { return IsFinal(run.state); })),
         now);
  }
}

void QueueThroughput::Note(const std::string& queue, int finished,
                           absl::Time now) {
  if (finished <= 0) return;
  const auto [found, is_new] = tracks_.try_emplace(queue);
  Track& track = found->second;
  if (is_new || Silent(track.note_time, now)) {
    // It is not known when these runs began, so they only start the watch.
    track = {.moment = now, .note_time = now};
    // Queues come and go: forgets those that have long been silent.
    std::erase_if(tracks_, [&](const auto& entry) {
      return Silent(entry.second.note_time, now);
    });
    return;
  }
  track.note_time = now;
  const absl::Duration since = now - track.moment;
  if (since >= kGroup) {
    const double fade = std::exp(-absl::FDivDuration(since, kMemory));
    track.seconds = track.seconds * fade + absl::ToDoubleSeconds(since);
    track.runs *= fade;
    track.moment = now;
  }
  if (track.seconds > 0) track.runs += finished;
}

std::optional<absl::Duration> QueueThroughput::PerRun(const std::string& queue,
                                                      absl::Time now) const {
  absl::MutexLock lock(&mutex_);
  const auto found = tracks_.find(queue);
  if (found == tracks_.end() || Silent(found->second.note_time, now)) {
    return std::nullopt;
  }
  const Track& track = found->second;
  if (track.runs <= 0) return std::nullopt;
  return absl::Seconds(track.seconds / track.runs);
}

}  // namespace sheaf::server
