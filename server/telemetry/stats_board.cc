#include "server/telemetry/stats_board.h"

#include <algorithm>

namespace sheaf::server {
namespace {

int64_t TimeOf(const StartNote& note) { return note.time; }
int64_t TimeOf(const EndNote& note) { return note.time; }
int64_t TimeOf(const BatchNote& note) { return note.end; }

// The notes after `since`. Notes stand in the order of their times.
template <class Note>
std::vector<Note> After(const std::deque<Note>& notes, int64_t since) {
  const auto first = std::partition_point(
      notes.begin(), notes.end(),
      [since](const Note& note) { return TimeOf(note) <= since; });
  return std::vector<Note>(first, notes.end());
}

void Deepen(StatsBoard::Totals* totals, int64_t depth, absl::Time now) {
  if (depth <= totals->depth_max) return;
  totals->depth_max = depth;
  totals->depth_max_time = now;
}

bool IsFailedAttempt(const RunChange& change) {
  return change.state == RunState::kFailed ||
         (change.state == RunState::kQueued && change.error_class);
}

RunState RunStateLike(JobState state) {
  return state == JobState::kSucceeded ? RunState::kSucceeded
         : state == JobState::kFailed  ? RunState::kFailed
                                       : RunState::kCancelled;
}

}  // namespace

StatsBoard::Track& StatsBoard::TrackOf(const std::string& queue) {
  Track& track = tracks_[queue];
  if (track.number == 0) track.number = ++last_number_;
  return track;
}

template <class Note>
void StatsBoard::Keep(std::deque<Note>* notes, const Note& note, int64_t time) {
  notes->push_back(note);
  const int64_t oldest = time - absl::ToInt64Milliseconds(options_.window_max);
  while (TimeOf(notes->front()) <= oldest) notes->pop_front();
  if (notes->size() <= options_.notes_max) return;
  reaches_to_ = std::max(reaches_to_, TimeOf(notes->front()));
  notes->pop_front();
}

void StatsBoard::Start(const std::vector<Queue>& queues,
                       const std::vector<Batch>& batches, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  reaches_to_ = absl::ToUnixMillis(now);
  for (const Queue& queue : queues) NoteDepth(queue, now);
  for (const Batch& batch : batches) Hold(batch);
}

void StatsBoard::Hold(const Batch& batch) {
  Held& held = held_[batch.id];
  held.runs = static_cast<int>(batch.runs.size());
  held.note.start = absl::ToUnixMillis(batch.start_time);
  held.note.worker = batch.worker;
  held.note.queue = TrackOf(batch.queue).number;
  held.note.size = held.runs;
}

void StatsBoard::NoteJoined(WorkerId worker, std::vector<std::string> devices) {
  absl::MutexLock lock(&mutex_);
  for (const std::string& device : devices) ++devices_[device].workers;
  workers_[worker].devices = std::move(devices);
}

void StatsBoard::NoteLeft(WorkerId worker) {
  absl::MutexLock lock(&mutex_);
  const auto member = workers_.find(worker);
  if (member == workers_.end()) return;
  for (const std::string& name : member->second.devices) {
    const auto device = devices_.find(name);
    if (--device->second.workers == 0 &&
        devices_.size() > options_.devices_max) {
      devices_.erase(device);
    }
  }
  workers_.erase(member);
}

std::vector<WorkTotals*> StatsBoard::TotalsOf(Track& track, WorkerId worker) {
  std::vector<WorkTotals*> all = {&total_.work, &track.totals.work};
  const auto member = workers_.find(worker);
  if (member == workers_.end()) return all;
  all.push_back(&member->second.totals);
  for (const std::string& device : member->second.devices) {
    all.push_back(&devices_.at(device).totals);
  }
  return all;
}

void StatsBoard::NoteLease(const Leased& leased) {
  absl::MutexLock lock(&mutex_);
  const Batch& batch = leased.batch;
  Hold(batch);
  Track& track = TrackOf(batch.queue);
  const std::vector<WorkTotals*> totals = TotalsOf(track, batch.worker);
  for (WorkTotals* each : totals) {
    ++each->batches;
    each->batched_runs += static_cast<int64_t>(batch.runs.size());
  }
  StartNote note;
  note.time = absl::ToUnixMillis(batch.start_time);
  note.queue = track.number;
  for (const LeasedRun& leased_run : leased.runs) {
    note.wait =
        absl::ToInt64Milliseconds(batch.start_time - leased_run.run.run_time);
    for (WorkTotals* each : totals) each->wait.Add(note.wait);
    Keep(&starts_, note, note.time);
  }
}

void StatsBoard::NoteCommit(const Committed& committed, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (const Queue& queue : committed.changed) NoteDepth(queue, now);
  for (const Event& event : committed.events) NoteEvent(event);
}

void StatsBoard::NoteDepth(const Queue& queue, absl::Time now) {
  Track& track = TrackOf(queue.name);
  depth_ += queue.queued - track.depth;
  track.depth = queue.queued;
  Deepen(&track.totals, track.depth, now);
  Deepen(&total_, depth_, now);
}

void StatsBoard::NoteEvent(const Event& event) {
  if (event.type == EventType::kQueueDeleted) {
    depth_ -= TrackOf(event.queue).depth;
    tracks_.erase(event.queue);
    return;
  }
  if (event.type == EventType::kJobSubmitted) {
    ++TrackOf(event.queue).totals.jobs_submitted;
    ++total_.jobs_submitted;
  }
  for (const JobEnd& end : event.ended) {
    ++TrackOf(event.queue).totals.jobs.of(RunStateLike(end.state));
    ++total_.jobs.of(RunStateLike(end.state));
  }
  if (event.type == EventType::kRunsChanged) NoteChanges(event);
}

void StatsBoard::NoteChanges(const Event& event) {
  Track& track = TrackOf(event.queue);
  const auto held = held_.find(event.batch);
  const int64_t time = absl::ToUnixMillis(event.time);
  std::vector<WorkTotals*> totals;
  if (held != held_.end()) totals = TotalsOf(track, held->second.note.worker);
  // Ends outside any batch come by the thousand, in a purge, and are alike, so
  // they are only counted.
  std::map<RunState, int32_t> elsewhere;
  for (const RunChange& change : event.runs) {
    if (IsFinal(change.state)) {
      ++track.totals.runs.of(change.state);
      ++total_.runs.of(change.state);
    }
    if (held == held_.end()) {
      if (IsFinal(change.state)) ++elsewhere[change.state];
      continue;
    }
    --held->second.runs;
    EndNote note{.time = time, .queue = track.number, .state = change.state};
    note.worker = held->second.note.worker;
    note.generation = time - held->second.note.start;
    note.failed_attempt = IsFailedAttempt(change);
    if (change.state == RunState::kSucceeded) {
      for (WorkTotals* each : totals) each->generation.Add(note.generation);
    }
    // A run that was handed back has neither ended nor failed.
    if (note.failed_attempt || IsFinal(change.state)) Keep(&ends_, note, time);
  }
  for (const auto& [state, count] : elsewhere) {
    Keep(&ends_,
         EndNote{.time = time,
                 .queue = track.number,
                 .count = count,
                 .state = state},
         time);
  }
  if (held == held_.end() || held->second.runs > 0) return;
  held->second.note.end = time;
  Keep(&batches_, held->second.note, time);
  held_.erase(held);
}

StatsBoard::Recalled StatsBoard::Recall(absl::Duration window,
                                        absl::Time now) const {
  Recalled recalled;
  Notes notes;
  int64_t since =
      absl::ToUnixMillis(now - std::min(window, options_.window_max));
  {
    absl::MutexLock lock(&mutex_);
    since = std::max(since, reaches_to_);
    notes.starts = After(starts_, since);
    notes.ends = After(ends_, since);
    notes.batches = After(batches_, since);
    for (const auto& [id, held] : held_) notes.batches.push_back(held.note);
    for (const auto& [name, track] : tracks_) {
      notes.queues[track.number] = name;
      recalled.queues[name] = track.totals;
    }
    recalled.total = total_;
    for (const auto& [id, member] : workers_) {
      recalled.workers[id] = member.totals;
    }
    for (const auto& [kind, device] : devices_) {
      recalled.devices[kind] = device.totals;
    }
  }
  recalled.since = absl::FromUnixMillis(since);
  recalled.figures = Summarize(notes, since, absl::ToUnixMillis(now));
  return recalled;
}

}  // namespace sheaf::server
