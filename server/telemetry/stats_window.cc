#include "server/telemetry/stats_window.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace sheaf::server {
namespace {

using Span = std::pair<int64_t, int64_t>;

// The sums of one queue, or of all queues, while the notes are read.
struct Tally {
  QueueFigures figures;
  std::vector<int64_t> waits;
  std::vector<int64_t> generations;

  void Add(const StartNote& note) { waits.push_back(note.wait); }
  void Add(const EndNote& note) {
    if (IsFinal(note.state)) figures.ended.of(note.state) += note.count;
    if (note.failed_attempt) figures.failed_attempts += note.count;
    if (note.state == RunState::kSucceeded && note.generation != kUnknown) {
      generations.push_back(note.generation);
    }
  }
  void Add(const BatchNote& note) {
    ++figures.batches;
    figures.batched_runs += note.size;
  }
  QueueFigures Take() {
    figures.wait = SpreadOf(std::move(waits));
    figures.generation = SpreadOf(std::move(generations));
    return figures;
  }
};

// How much time the spans cover together; they may overlap.
int64_t Covered(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end());
  int64_t covered = 0;
  int64_t reached = 0;
  for (const auto& [begin, end] : spans) {
    covered += std::max<int64_t>(0, end - std::max(begin, reached));
    reached = std::max(reached, end);
  }
  return covered;
}

class Summary {
 public:
  Summary(const Notes& notes, int64_t since, int64_t now)
      : notes_(notes), since_(since), now_(now) {
    for (const auto& [queue, name] : notes.queues) queues_[queue];
  }

  Figures Make() {
    for (const StartNote& note : notes_.starts) Add(note, note.time);
    for (const EndNote& note : notes_.ends) {
      if (!Add(note, note.time) || !note.worker) continue;
      WorkerFigures& worker = workers_[note.worker];
      if (note.state == RunState::kSucceeded) worker.succeeded += note.count;
      if (note.failed_attempt) worker.failed_attempts += note.count;
    }
    for (const BatchNote& note : notes_.batches) AddBatch(note);
    return Take();
  }

 private:
  template <class Note>
  bool Add(const Note& note, int64_t time) {
    if (time <= since_ || time > now_) return false;
    total_.Add(note);
    const auto queue = queues_.find(note.queue);
    if (queue != queues_.end()) queue->second.Add(note);
    return true;
  }

  // A batch that began before the window still keeps its worker busy.
  void AddBatch(const BatchNote& note) {
    WorkerFigures& worker = workers_[note.worker];
    if (Add(note, note.start)) {
      ++worker.batches;
      worker.batched_runs += note.size;
    }
    const int64_t end = note.end == kUnknown ? now_ : std::min(note.end, now_);
    spans_[note.worker].emplace_back(std::max(note.start, since_), end);
  }

  Figures Take() {
    Figures figures;
    figures.total = total_.Take();
    for (auto& [queue, tally] : queues_) {
      figures.queues[notes_.queues.at(queue)] = tally.Take();
    }
    for (auto& [id, spans] : spans_) {
      workers_[id].busy = Covered(std::move(spans));
    }
    figures.workers = std::move(workers_);
    return figures;
  }

  const Notes& notes_;
  const int64_t since_;
  const int64_t now_;
  Tally total_;
  std::map<int32_t, Tally> queues_;
  std::map<WorkerId, WorkerFigures> workers_;
  std::map<WorkerId, std::vector<Span>> spans_;
};

// The smallest of the times that `percent` of 100 do not exceed.
int64_t Percentile(std::vector<int64_t>* times, int64_t percent) {
  const int64_t count = static_cast<int64_t>(times->size());
  const auto at = times->begin() + ((count * percent + 99) / 100 - 1);
  std::nth_element(times->begin(), at, times->end());
  return *at;
}

}  // namespace

Spread SpreadOf(std::vector<int64_t> times) {
  Spread spread;
  spread.count = static_cast<int64_t>(times.size());
  if (times.empty()) return spread;
  const int64_t sum = std::accumulate(times.begin(), times.end(), int64_t{0});
  spread.mean = (sum + spread.count / 2) / spread.count;
  spread.p50 = Percentile(&times, 50);
  spread.p95 = Percentile(&times, 95);
  spread.max = Percentile(&times, 100);
  return spread;
}

Figures Summarize(const Notes& notes, int64_t since, int64_t now) {
  return Summary(notes, since, now).Make();
}

}  // namespace sheaf::server
