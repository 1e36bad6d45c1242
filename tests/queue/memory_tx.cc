// The meaning of Tx on the model's tables; memory_view.cc has View.
#include "tests/queue/memory_tx.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "queue/job_progress.h"
#include "queue/rows/broken_row.h"

namespace sheaf {
namespace {

absl::Time Stored(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return time;
  }
  return absl::FromUnixMillis(absl::ToUnixMillis(time));
}

RunId FirstRunOf(JobId job) { return RunId(job, 0); }
RunId LastRunOf(JobId job) {
  return RunId(RunId(JobId{job.value + 1}, 0).value - 1);
}

}  // namespace

int64_t MemoryTx::Next(const std::string& counter) {
  const int64_t next = counters_.Find(counter).value_or(0) + 1;
  counters_.Put(counter, next);
  return next;
}

int64_t MemoryTx::NextId(const std::string& counter) {
  const int64_t next = NextInCell(counters_.Find(counter).value_or(0), counter);
  counters_.Put(counter, next);
  return next;
}

void MemoryTx::SaveQueue(const Queue& queue) {
  Queue row = queue;
  row.create_time = Stored(queue.create_time);
  row.pause_time = Stored(queue.pause_time);
  row.resume_time = Stored(queue.resume_time);
  queues_.Put(queue.name, std::move(row));
}

void MemoryTx::DeleteQueue(const std::string& name) { queues_.Erase(name); }

LaneId MemoryTx::LaneFor(const Lane& lane) {
  const auto same = [&](const Lane& other) {
    return std::tie(lane.queue, lane.owner, lane.kind, lane.model, lane.vae,
                    lane.width, lane.height) ==
           std::tie(other.queue, other.owner, other.kind, other.model,
                    other.vae, other.width, other.height);
  };
  for (const auto& [id, other] : lanes_.rows()) {
    if (same(other)) return id;
  }
  Lane row = lane;
  row.id = LaneId{Next("lane")};
  lanes_.Put(row.id, row);
  return row.id;
}

void MemoryTx::SaveBatch(const Batch& batch) {
  Batch row = batch;
  row.lease_expire_time = Stored(batch.lease_expire_time);
  row.start_time = Stored(batch.start_time);
  batches_.Put(batch.id, std::move(row));
}

void MemoryTx::RenewLeases(absl::Time start_time,
                           absl::Time lease_expire_time) {
  for (Batch batch : Batches(absl::InfiniteFuture())) {
    batch.lease_expire_time = lease_expire_time;
    batch.start_time = start_time;
    SaveBatch(batch);
  }
}

void MemoryTx::DeleteBatch(BatchId id) { batches_.Erase(id); }

void MemoryTx::PutJob(Job job) {
  job.create_time = Stored(job.create_time);
  job.run_time = Stored(job.run_time);
  job.start_deadline = Stored(job.start_deadline);
  job.start_time = Stored(job.start_time);
  job.end_time = Stored(job.end_time);
  job.expire_time = Stored(job.expire_time);
  const JobId id = job.id;
  jobs_.Put(id, std::move(job));
}

JobId MemoryTx::InsertJob(const Job& job, const std::string& shared,
                          std::vector<Run> runs,
                          const std::vector<std::string>& own) {
  Job row = job;
  row.id = JobId{NextId("job")};
  PutJob(row);
  if (!job.request_id.empty()) {
    SHEAF_CHECK(!requests_.Find({job.owner, job.request_id}));
    requests_.Put({job.owner, job.request_id},
                  {{row.id, job.payload_digest}, absl::InfiniteFuture()});
  }
  shared_.Put(row.id, shared);
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].id = RunId(row.id, static_cast<int>(i));
    PutRun(runs[i]);
    own_.Put(runs[i].id, own[i]);
  }
  return row.id;
}

RunCounts MemoryTx::ApplyToJob(JobId id, const RunCounts& delta,
                               const QueueSettings& keep) {
  std::optional<Job> job = jobs_.Find(id);
  if (!job) throw BrokenRow("no job " + std::to_string(id.value));
  const JobProgress progress = Advance({.counts = job->counts,
                                        .start_time = job->start_time,
                                        .end_time = job->end_time,
                                        .expire_time = job->expire_time,
                                        .version = job->version},
                                       delta, keep, now_);
  job->counts = progress.counts;
  job->start_time = progress.start_time;
  job->end_time = progress.end_time;
  job->expire_time = progress.expire_time;
  job->version = progress.version;
  PutJob(*std::move(job));
  return progress.counts;
}

void MemoryTx::SaveJob(const Job& job) {
  const std::optional<Job> old = jobs_.Find(job.id);
  if (!old) return;
  Job row = job;
  row.counts = old->counts;
  row.run_count = old->run_count;
  PutJob(std::move(row));
}

void MemoryTx::DeleteJob(JobId id) {
  const RunId first = FirstRunOf(id), last = LastRunOf(id);
  for (auto run = runs_.rows().lower_bound(first);
       run != runs_.rows().end() && run->first <= last; ++run) {
    waiting_.Erase(PlaceOf(run->second));
  }
  runs_.EraseRange(first, last);
  own_.EraseRange(first, last);
  attempts_.EraseRange({first, 0}, {last, std::numeric_limits<int>::max()});
  std::vector<std::pair<std::string, JobId>> references;
  for (const auto& [reference, yes] : references_.rows()) {
    if (reference.second == id) references.push_back(reference);
  }
  for (const auto& reference : references) references_.Erase(reference);
  if (const auto job = jobs_.Find(id); job && !job->request_id.empty()) {
    const std::pair key(job->owner, job->request_id);
    requests_.Put(key, {requests_.Find(key)->record, now_});
  }
  shared_.Erase(id);
  jobs_.Erase(id);
}

int MemoryTx::DeleteSpentRequests(absl::Time deleted_by, int limit) {
  std::vector<std::pair<std::string, std::string>> gone;
  for (const auto& [key, request] : requests_.rows()) {
    if (request.delete_time <= deleted_by) gone.push_back(key);
  }
  if (static_cast<int>(gone.size()) > limit) gone.resize(limit);
  for (const auto& key : gone) requests_.Erase(key);
  return static_cast<int>(gone.size());
}

MemoryTx::Place MemoryTx::PlaceOf(const Run& run) {
  return {run.lane, -static_cast<int>(run.priority), run.run_time, run.id};
}

void MemoryTx::PutRun(const Run& run) {
  if (const auto old = runs_.Find(run.id)) waiting_.Erase(PlaceOf(*old));
  Run row = run;
  row.run_time = Stored(run.run_time);
  row.start_deadline = Stored(run.start_deadline);
  row.start_time = Stored(run.start_time);
  row.end_time = Stored(run.end_time);
  if (row.state == RunState::kQueued) waiting_.Put(PlaceOf(row), row.id);
  runs_.Put(run.id, std::move(row));
}

// A run's outputs are needed as long as its job is there.
void MemoryTx::SaveRun(const Run& run) {
  if (!runs_.Find(run.id)) return;
  PutRun(run);
  for (const Output& output : run.outputs) {
    references_.Put({output.artifact, run.id.job()}, true);
  }
}

// An attempt ends once; to keep it twice is a fault of the caller.
void MemoryTx::AddAttempt(const Attempt& attempt) {
  const std::pair key(attempt.run, attempt.attempt);
  SHEAF_CHECK(!attempts_.Find(key));
  Attempt row = attempt;
  row.start_time = Stored(attempt.start_time);
  row.end_time = Stored(attempt.end_time);
  attempts_.Put(key, std::move(row));
  if (const int last = LastForgotten(attempt.attempt); last > 0) {
    attempts_.EraseRange({attempt.run, 0}, {attempt.run, last});
  }
}

void MemoryTx::AppendEvent(Event event) {
  event.sequence = Next("event");
  event.time = now_;
  const int64_t sequence = event.sequence;
  events_.Put(sequence, std::move(event));
}

void MemoryTx::TrimEvents(int64_t through) {
  events_.EraseRange(0, LastTrimmed(through, LastSequence()));
}

void MemoryTx::SaveArtifact(const Artifact& artifact) {
  Artifact row = artifact;
  row.create_time = Stored(artifact.create_time);
  artifacts_.Put(artifact.digest, std::move(row));
}

void MemoryTx::DeleteArtifact(const std::string& digest) {
  artifacts_.Erase(digest);
}

void MemoryTx::AddReferences(JobId job,
                             const std::vector<std::string>& digests) {
  for (const std::string& digest : digests) {
    references_.Put({digest, job}, true);
  }
}

}  // namespace sheaf
