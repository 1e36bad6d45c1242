#include "server/wire/convert_stats.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/wire/convert.h"

namespace sheaf::server {
namespace {

double Ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

void Fill(const Spread& spread, pb::TimeStats* out) {
  out->set_count(spread.count);
  if (spread.count == 0) return;
  SetDuration(absl::Milliseconds(spread.mean), out->mutable_mean());
  SetDuration(absl::Milliseconds(spread.p50), out->mutable_p50());
  SetDuration(absl::Milliseconds(spread.p95), out->mutable_p95());
  SetDuration(absl::Milliseconds(spread.max), out->mutable_max());
}

void Fill(const TimeSum& sum, pb::TimeSum* out) {
  out->set_count(sum.count);
  SetDuration(absl::Milliseconds(sum.sum), out->mutable_sum());
}

void Fill(const WorkTotals& totals, pb::WorkTotals* out) {
  out->set_batch_count(totals.batches);
  out->set_batched_run_count(totals.batched_runs);
  Fill(totals.wait, out->mutable_wait());
  Fill(totals.generation, out->mutable_generation());
}

// `room`: how many runs the batches could have held.
void Fill(const QueueFigures& figures, int64_t room, absl::Duration window,
          pb::QueueWindow* out) {
  const RunCounts& ended = figures.ended;
  out->set_succeeded_run_count(ended.succeeded);
  out->set_failed_run_count(ended.failed);
  out->set_cancelled_run_count(ended.cancelled);
  out->set_runs_per_second(
      Ratio(static_cast<double>(ended.succeeded + ended.failed),
            absl::ToDoubleSeconds(window)));
  out->set_failed_attempt_count(figures.failed_attempts);
  out->set_batch_count(figures.batches);
  const double runs = static_cast<double>(figures.batched_runs);
  out->set_batch_size_average(
      Ratio(runs, static_cast<double>(figures.batches)));
  out->set_batch_fill(Ratio(runs, static_cast<double>(room)));
  Fill(figures.wait, out->mutable_wait());
  Fill(figures.generation, out->mutable_generation());
}

void Fill(const StatsBoard::Totals& totals, pb::QueueStats* out) {
  out->set_queued_run_count_max(totals.depth_max);
  PutTime(totals.depth_max_time, out,
          &pb::QueueStats::mutable_queued_run_count_max_time);
  out->set_succeeded_run_count(totals.runs.succeeded);
  out->set_failed_run_count(totals.runs.failed);
  out->set_cancelled_run_count(totals.runs.cancelled);
  pb::JobCounts* jobs = out->mutable_jobs();
  jobs->set_submitted(totals.jobs_submitted);
  jobs->set_succeeded(totals.jobs.succeeded);
  jobs->set_failed(totals.jobs.failed);
  jobs->set_cancelled(totals.jobs.cancelled);
  Fill(totals.work, out->mutable_since_start());
}

// The work of one worker, or of all workers of a device.
struct Work {
  WorkerFigures figures;
  int64_t here = 0;  // milliseconds of the window in which they were here
  std::vector<std::string> batches;
  int64_t running = 0;

  void Add(const Work& other) {
    figures.batches += other.figures.batches;
    figures.batched_runs += other.figures.batched_runs;
    figures.succeeded += other.figures.succeeded;
    figures.failed_attempts += other.figures.failed_attempts;
    figures.busy += other.figures.busy;
    here += other.here;
    batches.insert(batches.end(), other.batches.begin(), other.batches.end());
    running += other.running;
  }
};

void Fill(const Work& work, pb::WorkStats* out) {
  const WorkerFigures& figures = work.figures;
  out->set_batch_count(figures.batches);
  out->set_batch_size_average(Ratio(static_cast<double>(figures.batched_runs),
                                    static_cast<double>(figures.batches)));
  out->set_succeeded_run_count(figures.succeeded);
  out->set_failed_attempt_count(figures.failed_attempts);
  // A lease is noted at the moment it is made, which may be a little after
  // `now`'s millisecond, so the ratio is cut to 1.
  out->set_busy_ratio(std::min(1.0, Ratio(static_cast<double>(figures.busy),
                                          static_cast<double>(work.here))));
  for (const std::string& batch : work.batches) out->add_batches(batch);
  out->set_running_run_count(work.running);
}

Work WorkOf(const WorkerInfo& worker, const StatsParts& parts) {
  Work work;
  const auto& figures = parts.recalled.figures.workers;
  const auto found = figures.find(worker.lessee.id);
  if (found != figures.end()) work.figures = found->second;
  const absl::Time since = std::max(parts.recalled.since, worker.register_time);
  work.here = absl::ToInt64Milliseconds(parts.now - since);
  for (const Batch& batch : parts.batches) {
    if (batch.worker != worker.lessee.id) continue;
    work.batches.push_back(NameOf(batch.id));
    work.running += static_cast<int64_t>(batch.runs.size());
  }
  return work;
}

template <class Map>
typename Map::mapped_type Find(const Map& map,
                               const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? typename Map::mapped_type() : found->second;
}

void WorkersToProto(const StatsParts& parts, pb::Stats* out) {
  struct OfDevice {
    DeviceInfo device;  // the first
    Work work;
    std::vector<std::string> workers;
  };
  std::map<std::string, OfDevice> devices;  // by identity
  for (const WorkerInfo& worker : parts.workers) {
    const Work work = WorkOf(worker, parts);
    pb::WorkerStats* theirs = out->add_workers();
    theirs->set_name(NameOf(worker.lessee.id));
    theirs->set_display_name(worker.lessee.name);
    Fill(work, theirs->mutable_work());
    Fill(Find(parts.recalled.workers, worker.lessee.id),
         theirs->mutable_work()->mutable_since_start());
    for (const DeviceInfo& device : worker.devices) {
      theirs->add_devices(device.name);
      OfDevice& all = devices[IdentityOf(device)];
      if (all.workers.empty()) all.device = device;
      all.work.Add(work);
      all.workers.push_back(NameOf(worker.lessee.id));
    }
  }
  for (const auto& [identity, all] : devices) {
    pb::DeviceStats* theirs = out->add_devices();
    theirs->set_identity(identity);
    theirs->set_name(all.device.name);
    theirs->set_description(all.device.description);
    for (const auto& worker : all.workers) theirs->add_workers(worker);
    Fill(all.work, theirs->mutable_work());
    Fill(Find(parts.recalled.devices, identity),
         theirs->mutable_work()->mutable_since_start());
  }
}

}  // namespace

void ToProto(const StatsParts& parts, const std::string& only, pb::Stats* out) {
  const StatsBoard::Recalled& recalled = parts.recalled;
  const absl::Duration window = parts.now - recalled.since;
  SetTime(parts.now, out->mutable_now());
  SetDuration(window, out->mutable_window());
  pb::QueueStats* total = out->mutable_total();
  int64_t room = 0;
  for (const Queue& queue : parts.queues) {
    if (!only.empty() && queue.name != only) continue;
    const QueueFigures figures = Find(recalled.figures.queues, queue.name);
    const int64_t own_room = figures.batches * queue.settings.batch_size;
    pb::QueueStats* theirs = out->add_queues();
    theirs->set_name(absl::StrCat("queues/", queue.name));
    theirs->set_state(static_cast<pb::QueueState>(queue.state));
    theirs->set_queued_run_count(queue.queued);
    theirs->set_running_run_count(queue.running);
    theirs->set_batch_size(queue.settings.batch_size);
    Fill(Find(recalled.queues, queue.name), theirs);
    Fill(figures, own_room, window, theirs->mutable_window());
    room += own_room;
    total->set_queued_run_count(total->queued_run_count() + queue.queued);
    total->set_running_run_count(total->running_run_count() + queue.running);
  }
  if (only.empty()) {
    Fill(recalled.total, total);
    Fill(recalled.figures.total, room, window, total->mutable_window());
  } else {
    *total = out->queues(0);
    total->clear_name();
  }
  WorkersToProto(parts, out);
}

}  // namespace sheaf::server
