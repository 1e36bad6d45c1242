#include "queue/leasing/maintain.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "queue/leasing/lease_ends.h"
#include "queue/leasing/pick.h"
#include "queue/queues.h"

namespace sheaf {
namespace {

using What = Due::What;

bool IsOlderThan(View& view, int64_t sequence, absl::Time time) {
  const std::vector<Event> events = view.Events(sequence - 1, 1);
  return events.empty() || events[0].time < time;
}

// A slice at a time, so that a long outbox is not trimmed in one stroke. A
// client that makes a million events in a minute pushes out nobody's day.
void FindEvents(View& view, const Maintenance& maintenance, DueList* list) {
  const int64_t last = view.LastSequence();
  const int64_t first = view.FirstSequence();
  const absl::Time keep = view.now() - maintenance.events_keep;
  for (const int64_t slice : {20 * maintenance.step, maintenance.step}) {
    const int64_t through = first + slice;
    const int64_t left = last - through;
    if (left < maintenance.events_max) continue;
    if (left < maintenance.events_hard_max &&
        !IsOlderThan(view, through, keep)) {
      continue;
    }
    list->items.push_back({What::kEvents, through, ""});
    list->more = true;
    return;
  }
}

void ResumeIfDue(Tx& tx, const std::string& name) {
  const std::optional<Queue> queue = tx.FindQueue(name);
  if (queue && queue->state == QueueState::kPaused &&
      queue->resume_time <= tx.now()) {
    ResumeByTime(tx, *queue);
  }
}

void FailIfLate(Tx& tx, RunId id) {
  const std::optional<Run> run = tx.FindRun(id);
  const std::optional<Job> job = tx.FindJob(id.job());
  if (run && job && run->state == RunState::kQueued &&
      run->start_deadline <= tx.now()) {
    FailOneLate(tx, job->queue, *run);
  }
}

void DeleteIfExpired(Tx& tx, JobId id) {
  const std::optional<Job> job = tx.FindJob(id);
  if (!job || job->expire_time > tx.now()) return;
  tx.DeleteJob(id);
  tx.AppendEvent({.type = EventType::kJobDeleted,
                  .queue = job->queue,
                  .job = id,
                  .reason = "its retention is over"});
}

void DeleteSomeOfPlan(Tx& tx, PlanId id, int step) {
  const std::optional<PlanRecord> plan = tx.FindPlan(id);
  if (plan && plan->expire_time <= tx.now() &&
      plan->state != PlanState::kActive) {
    tx.DeletePlan(id, step);
  }
}

}  // namespace

std::string Describe(const Due& due) {
  switch (due.what) {
    case What::kLease:
      return absl::StrCat("the lease of ", NameOf(BatchId{due.id}));
    case What::kLongBatch:
      return absl::StrCat("the time of ", NameOf(BatchId{due.id}));
    case What::kPause:
      return absl::StrCat("the pause of queues/", due.queue);
    case What::kDeadline:
      return absl::StrCat("the deadline of ", NameOf(RunId(due.id)));
    case What::kRetention:
      return absl::StrCat("the retention of ", NameOf(JobId{due.id}));
    case What::kPlan:
      return absl::StrCat("the retention of ", NameOf(PlanId{due.id}));
    case What::kRequests:
      return "the retention of requests";
    case What::kEvents:
      break;
  }
  return "the trimming of events";
}

DueList FindDue(View& view, const Maintenance& maintenance,
                const std::set<Due>& aside) {
  DueList list;
  const auto add = [&](Due due) {
    if (!aside.contains(due)) list.items.push_back(std::move(due));
  };
  // Things that are set aside must not hide the rest.
  const int limit = maintenance.step + static_cast<int>(aside.size());
  for (const LeaseKey& lease : view.Leases(view.now())) {
    add({What::kLease, lease.batch.value, ""});
  }
  if (maintenance.leases_only) {
    FindEvents(view, maintenance, &list);
    return list;
  }
  std::map<std::string, Queue> in_a_hurry;
  for (Queue& queue : view.Queues()) {
    if (queue.state == QueueState::kPaused && queue.resume_time <= view.now()) {
      add({What::kPause, 0, queue.name});
    }
    if (queue.settings.run_duration_max < absl::InfiniteDuration()) {
      in_a_hurry.emplace(queue.name, std::move(queue));
    }
  }
  if (!in_a_hurry.empty()) {
    for (const LeaseKey& lease : view.Leases(absl::InfiniteFuture())) {
      const auto queue = in_a_hurry.find(lease.queue);
      if (queue != in_a_hurry.end() &&
          TakesTooLong(queue->second, lease.start_time, view.now())) {
        add({What::kLongBatch, lease.batch.value, ""});
      }
    }
  }
  const std::vector<RunId> late = view.PastDeadline(view.now(), limit);
  for (const RunId run : late) add({What::kDeadline, run.value, ""});
  const std::vector<JobId> expired = view.Expired(view.now(), limit);
  for (const JobId job : expired) add({What::kRetention, job.value, ""});
  // One at a time: each is a slice of `step` batches itself.
  const std::vector<PlanId> plans =
      view.ExpiredPlans(view.now(), 1 + static_cast<int>(aside.size()));
  const size_t before = list.items.size();
  for (const PlanId plan : plans) {
    if (list.items.size() == before) add({What::kPlan, plan.value, ""});
  }
  list.more = static_cast<int>(late.size()) == limit ||
              static_cast<int>(expired.size()) == limit ||
              list.items.size() > before;
  const int spent = view.CountSpentRequests(
      view.now() - maintenance.request_keep, maintenance.step);
  if (spent > 0) add({What::kRequests, 0, ""});
  list.more = list.more || spent == maintenance.step;
  FindEvents(view, maintenance, &list);
  return list;
}

void Settle(Tx& tx, const Due& due, const Maintenance& maintenance) {
  switch (due.what) {
    case What::kLease:
      EndLease(tx, BatchId{due.id}, LeaseEnd::kExpired);
      return;
    case What::kLongBatch:
      EndLease(tx, BatchId{due.id}, LeaseEnd::kTooLong);
      return;
    case What::kPause:
      return ResumeIfDue(tx, due.queue);
    case What::kDeadline:
      return FailIfLate(tx, RunId(due.id));
    case What::kRetention:
      return DeleteIfExpired(tx, JobId{due.id});
    case What::kPlan:
      return DeleteSomeOfPlan(tx, PlanId{due.id}, maintenance.step);
    case What::kRequests:
      tx.DeleteSpentRequests(tx.now() - maintenance.request_keep,
                             maintenance.step);
      return;
    case What::kEvents:
      return tx.TrimEvents(due.id);
  }
}

}  // namespace sheaf
