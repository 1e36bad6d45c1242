// The meaning of View on the model's tables.
#include <algorithm>
#include <limits>

#include "base/check.h"
#include "queue/job_lists.h"
#include "tests/queue/memory_tx.h"

namespace sheaf {
namespace {

// The first `limit` of `rows`, after a sort by (time, id).
template <class Row>
std::vector<Row> FirstByTime(std::vector<std::pair<absl::Time, Row>> rows,
                             int limit) {
  std::sort(rows.begin(), rows.end());
  std::vector<Row> first;
  for (auto& [time, row] : rows) {
    if (static_cast<int>(first.size()) == limit) break;
    first.push_back(std::move(row));
  }
  return first;
}

}  // namespace

std::vector<Queue> MemoryTx::Queues() {
  std::vector<Queue> all;
  for (const auto& [name, queue] : queues_.rows()) all.push_back(queue);
  return all;
}

std::optional<Queue> MemoryTx::FindQueue(const std::string& name) {
  return queues_.Find(name);
}

std::vector<OwnerCounts> MemoryTx::Owners() {
  std::map<std::string, OwnerCounts> owners;
  for (const auto& [id, job] : jobs_.rows()) {
    if (job.counts.live() == 0) continue;
    OwnerCounts& counts = owners[job.owner];
    counts.owner = job.owner;
    counts.queued += job.counts.queued;
    counts.running += job.counts.running;
  }
  std::vector<OwnerCounts> all;
  for (const auto& [owner, counts] : owners) all.push_back(counts);
  return all;
}

OwnerCounts MemoryTx::CountsOf(const std::string& owner) {
  for (const OwnerCounts& counts : Owners()) {
    if (counts.owner == owner) return counts;
  }
  return {.owner = owner};
}

Lane MemoryTx::FindLane(LaneId id) {
  const auto lane = lanes_.Find(id);
  SHEAF_CHECK(lane.has_value());
  return *lane;
}

std::optional<Batch> MemoryTx::FindBatch(BatchId id) {
  return batches_.Find(id);
}

std::vector<Batch> MemoryTx::Batches(absl::Time expired_by) {
  std::vector<Batch> found;
  for (const auto& [id, batch] : batches_.rows()) {
    if (batch.lease_expire_time <= expired_by) found.push_back(batch);
  }
  return found;
}

std::vector<LeaseKey> MemoryTx::Leases(absl::Time expired_by) {
  std::vector<LeaseKey> found;
  for (const Batch& batch : Batches(expired_by)) {
    found.push_back({batch.id, batch.worker, batch.queue, batch.start_time});
  }
  return found;
}

std::optional<Job> MemoryTx::FindJob(JobId id) { return jobs_.Find(id); }

std::vector<Job> MemoryTx::Jobs(const JobQuery& query) {
  std::vector<Job> all;
  for (const auto& [id, job] : jobs_.rows()) all.push_back(job);
  if (!query.ascending) std::reverse(all.begin(), all.end());
  std::vector<Job> page;
  for (Job& job : all) {
    if (static_cast<int>(page.size()) == query.limit) break;
    if (query.after && query.ascending && job.id <= *query.after) continue;
    if (query.after && !query.ascending && job.id >= *query.after) continue;
    if (query.through && query.ascending && job.id > *query.through) break;
    if (query.through && !query.ascending && job.id < *query.through) break;
    if (query.filter && !Matches(*query.filter, FactsOf(job))) continue;
    page.push_back(std::move(job));
  }
  return page;
}

std::optional<RequestRecord> MemoryTx::FindRequest(
    const std::string& owner, const std::string& request_id) {
  const auto request = requests_.Find({owner, request_id});
  if (!request) return std::nullopt;
  return request->record;
}

int MemoryTx::CountSpentRequests(absl::Time deleted_by, int limit) {
  int count = 0;
  for (const auto& [key, request] : requests_.rows()) {
    if (request.delete_time <= deleted_by && count < limit) ++count;
  }
  return count;
}

RunParams MemoryTx::SharedParams(JobId id) {
  return DecodeParams(shared_.Find(id).value_or("{}")).value();
}

std::vector<JobId> MemoryTx::Expired(absl::Time by, int limit) {
  std::vector<std::pair<absl::Time, JobId>> found;
  for (const auto& [id, job] : jobs_.rows()) {
    if (job.expire_time != absl::InfiniteFuture() && job.expire_time <= by) {
      found.emplace_back(job.expire_time, id);
    }
  }
  return FirstByTime(std::move(found), limit);
}

std::optional<Run> MemoryTx::FindRun(RunId id) { return runs_.Find(id); }

std::vector<Run> MemoryTx::Runs(const RunQuery& query) {
  std::vector<Run> page;
  for (auto run = runs_.rows().lower_bound(query.first);
       run != runs_.rows().end() && run->first <= query.last; ++run) {
    if (static_cast<int>(page.size()) == query.limit) break;
    if (query.states & StateBit(run->second.state)) page.push_back(run->second);
  }
  return page;
}

RunParams MemoryTx::OwnParams(RunId id) {
  return DecodeParams(own_.Find(id).value_or("{}")).value();
}

std::vector<Attempt> MemoryTx::Attempts(RunId id) {
  std::vector<Attempt> all;
  for (auto row = attempts_.rows().lower_bound({id, 0});
       row != attempts_.rows().end() && row->first.first == id; ++row) {
    all.push_back(row->second);
  }
  return all;
}

void MemoryTx::ForEachLane(const LaneVisitor& each) {
  for (const auto& [id, lane] : lanes_.rows()) {
    const std::optional<Run> first = Head(id, Priority::kUrgent);
    if (first && !each(lane, *first)) return;
  }
}

std::optional<Run> MemoryTx::Head(LaneId lane, Priority highest) {
  std::vector<Run> first = Ready(lane, highest, 1);
  if (first.empty()) return std::nullopt;
  return std::move(first[0]);
}

std::vector<Lane> MemoryTx::LanesOf(const std::string& owner) {
  std::vector<Lane> lanes;
  ForEachLane([&](const Lane& lane, const Run&) {
    if (lane.owner == owner) lanes.push_back(lane);
    return true;
  });
  return lanes;
}

std::vector<Run> MemoryTx::Ready(LaneId lane, Priority highest, int limit) {
  std::vector<Run> first;
  const int level = -static_cast<int>(highest);
  for (auto row = waiting_.rows().lower_bound(
           {lane, level, absl::InfinitePast(), RunId()});
       row != waiting_.rows().end(); ++row) {
    if (std::get<LaneId>(row->first) != lane) break;
    if (static_cast<int>(first.size()) == limit) break;
    first.push_back(*runs_.Find(std::get<RunId>(row->first)));
  }
  return first;
}

std::vector<Run> MemoryTx::ReadyWith(const Run& first, int limit) {
  std::vector<Run> with;
  const int level = -static_cast<int>(first.priority);
  for (auto row = waiting_.rows().lower_bound(
           {first.lane, level, first.run_time, first.id});
       row != waiting_.rows().end(); ++row) {
    const auto& [lane, at_level, time, id] = row->first;
    if (lane != first.lane || at_level != level || time != first.run_time) {
      break;
    }
    if (id.job() != first.id.job()) break;
    if (static_cast<int>(with.size()) == limit) break;
    with.push_back(*runs_.Find(id));
  }
  return with;
}

void MemoryTx::ForEachWaiting(
    const std::string& queue,
    const std::function<void(const WaitingRun&)>& each) {
  for (const auto& [place, id] : waiting_.rows()) {
    const Lane lane = *lanes_.Find(std::get<LaneId>(place));
    if (lane.queue != queue) continue;
    const RunParams params = Merge(SharedParams(id.job()), OwnParams(id));
    each({*runs_.Find(id), lane, params});
  }
}

int64_t MemoryTx::CountReadyBefore(LaneId lane, const ReadyPlace& place,
                                   int64_t limit) {
  const Place end{lane, -static_cast<int>(place.priority), place.run_time,
                  place.id};
  int64_t count = 0;
  for (auto row =
           waiting_.rows().lower_bound({lane, std::numeric_limits<int>::min(),
                                        absl::InfinitePast(), RunId()});
       row != waiting_.rows().end() && row->first < end; ++row) {
    if (count == limit) break;
    ++count;
  }
  return count;
}

std::vector<RunId> MemoryTx::PastDeadline(absl::Time by, int limit) {
  std::vector<std::pair<absl::Time, RunId>> found;
  for (const auto& [place, id] : waiting_.rows()) {
    const absl::Time deadline = runs_.Find(id)->start_deadline;
    if (deadline != absl::InfiniteFuture() && deadline <= by) {
      found.emplace_back(deadline, id);
    }
  }
  return FirstByTime(std::move(found), limit);
}

std::vector<Event> MemoryTx::Events(int64_t after, int limit) {
  std::vector<Event> page;
  for (auto event = events_.rows().upper_bound(after);
       event != events_.rows().end(); ++event) {
    if (static_cast<int>(page.size()) == limit) break;
    page.push_back(event->second);
  }
  return page;
}

int64_t MemoryTx::LastSequence() { return counters_.Find("event").value_or(0); }

int64_t MemoryTx::FirstSequence() {
  return events_.rows().empty() ? 1 : events_.rows().begin()->first;
}

std::optional<Artifact> MemoryTx::FindArtifact(const std::string& digest) {
  return artifacts_.Find(digest);
}

bool MemoryTx::IsReferenced(const std::string& digest) {
  const auto row = references_.rows().lower_bound({digest, JobId()});
  return row != references_.rows().end() && row->first.first == digest;
}

std::vector<Artifact> MemoryTx::UnreferencedArtifacts(absl::Time created_by,
                                                      int limit) {
  std::vector<std::pair<absl::Time, std::string>> found;
  for (const auto& [digest, artifact] : artifacts_.rows()) {
    if (artifact.create_time <= created_by && !IsReferenced(digest)) {
      found.emplace_back(artifact.create_time, digest);
    }
  }
  std::vector<Artifact> first;
  for (const auto& digest : FirstByTime(std::move(found), limit)) {
    first.push_back(*artifacts_.Find(digest));
  }
  return first;
}

StoreCounts MemoryTx::Counts() {
  StoreCounts counts;
  counts.jobs = static_cast<int64_t>(jobs_.rows().size());
  for (const auto& [digest, artifact] : artifacts_.rows()) {
    ++counts.artifacts;
    counts.artifact_bytes += artifact.size;
  }
  return counts;
}

}  // namespace sheaf
