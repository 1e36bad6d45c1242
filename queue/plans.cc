#include "queue/plans.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "queue/queues.h"

namespace sheaf {
namespace {

constexpr int kChangesRead = 1000;
constexpr size_t kJobsNamed = 5;
constexpr int kPlansTried = 100;

void SetState(Tx& tx, PlanId id, PlanState state) {
  std::optional<PlanRecord> plan = tx.FindPlan(id);
  if (!plan) return;
  plan->state = state;
  plan->expire_time = tx.now() + kPlanLife;
  tx.SavePlan(*plan);
}

// Makes the queue go by `plan` (or none) and says so.
void GoBy(Tx& tx, Queue queue, PlanId plan, Event event) {
  queue.plan = plan;
  ++queue.revision;
  tx.SaveQueue(queue);
  event.queue = queue.name;
  tx.AppendEvent(std::move(event));
}

absl::StatusOr<PlanRecord> PlanToExecute(View& view,
                                         const ExecuteOptions& options) {
  if (options.plan) return FindPlanOrError(view, options.plan);
  for (PlanRecord& plan : view.Plans(options.queue, PlanId{}, 10)) {
    if (plan.state != PlanState::kStoring) return std::move(plan);
  }
  return Error(Reason::kNoAnalysis,
               absl::StrCat("No analysis available for queues/", options.queue,
                            ". Please analyze first."));
}

absl::Status CheckFresh(View& view, const PlanRecord& plan, const Queue& queue,
                        bool unchanged) {
  if (plan.live && !unchanged) return absl::OkStatus();
  if (queue.revision == plan.revision) return absl::OkStatus();
  std::string text =
      "Analysis is stale - queue has changed. Please re-analyze.";
  const std::string changes = ChangesSince(view, plan);
  if (!changes.empty()) absl::StrAppend(&text, " Since then: ", changes, ".");
  return WithMetadata(Error(Reason::kAnalysisStale, text), "changes", changes);
}

// Counts of the changes that happened, by their words.
class Changes {
 public:
  void Note(const Event& event) {
    switch (event.type) {
      case EventType::kJobSubmitted:
        return Job("submitted", event.job);
      case EventType::kJobUpdated:
        return Job("updated", event.job);
      case EventType::kJobDeleted:
        return Job("deleted", event.job);
      case EventType::kQueueUpdated:
        settings_ = true;
        return;
      case EventType::kPlanExecuted:
      case EventType::kPlanUndone:
        regrouped_ = true;
        return;
      default:
        for (const RunChange& change : event.runs) ++runs_[change.state];
    }
  }

  std::string Text() const {
    std::vector<std::string> parts;
    for (const auto& [verb, jobs] : jobs_) {
      parts.push_back(absl::StrCat(Count(jobs.size(), "job"), " ", verb, " (",
                                   Names(jobs), ")"));
    }
    for (const auto& [state, count] : runs_) {
      const std::string_view change = FactsOf(state).change;
      if (change.empty()) continue;
      parts.push_back(absl::StrCat(Count(count, "run"), " ", ToAbsl(change)));
    }
    if (settings_) parts.push_back("the queue's settings changed");
    if (regrouped_) parts.push_back("another plan was executed or undone");
    return absl::StrJoin(parts, ", ");
  }

 private:
  static std::string Count(size_t count, const char* noun) {
    return absl::StrCat(count, " ", noun, count == 1 ? " was" : "s were");
  }
  static std::string Names(const std::vector<JobId>& jobs) {
    std::vector<std::string> names;
    for (JobId job : jobs) {
      if (names.size() == kJobsNamed) {
        names.push_back("...");
        break;
      }
      names.push_back(NameOf(job));
    }
    return absl::StrJoin(names, ", ");
  }
  void Job(const char* verb, JobId job) {
    std::vector<JobId>& jobs = jobs_[verb];
    if (jobs.empty() || jobs.back() != job) jobs.push_back(job);
  }

  std::map<std::string, std::vector<JobId>> jobs_;
  std::map<RunState, size_t> runs_;
  bool settings_ = false;
  bool regrouped_ = false;
};

}  // namespace

std::string NameOf(const PlanBatch& batch) {
  return absl::StrCat(NameOf(batch.plan), "/batches/", batch.number);
}

PlanRecord BeginPlan(Tx& tx, PlanRecord plan) {
  plan.id = tx.NewPlanId();
  plan.state = PlanState::kStoring;
  plan.create_time = tx.now();
  plan.expire_time = tx.now() + kPlanLife;
  tx.SavePlan(plan);
  return plan;
}

absl::Status AddToPlan(Tx& tx, PlanId id, std::vector<PlanBatch> batches) {
  SHEAF_ASSIGN_OR_RETURN(const PlanRecord plan, FindPlanOrError(tx, id));
  for (PlanBatch& batch : batches) {
    batch.plan = plan.id;
    tx.AddPlanBatch(batch);
  }
  return absl::OkStatus();
}

namespace {

// Each plan is as long as its queue, so only the newest of the plans that
// nobody has executed are kept for their whole life.
void ExpireOlder(Tx& tx, const PlanRecord& newest) {
  int ready = 1;
  for (PlanRecord& plan :
       tx.Plans(newest.queue, newest.id, 2 * kReadyPlansMax)) {
    if (plan.state != PlanState::kReady || ++ready <= kReadyPlansMax) continue;
    if (plan.expire_time <= tx.now()) continue;
    plan.expire_time = tx.now();
    tx.SavePlan(plan);
  }
}

}  // namespace

absl::StatusOr<PlanRecord> SealPlan(Tx& tx, PlanId id) {
  SHEAF_ASSIGN_OR_RETURN(PlanRecord plan, FindPlanOrError(tx, id));
  plan.state = PlanState::kReady;
  tx.SavePlan(plan);
  ExpireOlder(tx, plan);
  return plan;
}

absl::StatusOr<PlanRecord> FindPlanOrError(PlanReads& plans, PlanId id) {
  std::optional<PlanRecord> plan = plans.FindPlan(id);
  if (plan) return *std::move(plan);
  return WithSubject(
      Error(Reason::kPlanNotFound, absl::StrCat("there is no ", NameOf(id))),
      NameOf(id));
}

std::string MessageOf(const Executed& executed) {
  const auto counted = [](int64_t count, const char* one, const char* many) {
    return absl::StrCat(count, " ", count == 1 ? one : many);
  };
  return absl::StrCat("Queue reorganized successfully. ",
                      counted(executed.plan.job_count, "job", "jobs"), " → ",
                      counted(executed.plan.batch_count, "batch", "batches"));
}

std::optional<PlanRecord> FindExecuted(PlanReads& plans,
                                       const std::string& queue,
                                       const std::string& request_id) {
  for (PlanRecord& plan : plans.Plans(queue, PlanId{}, kPlansTried)) {
    if (plan.execute_time != absl::InfinitePast() &&
        plan.request_id == request_id) {
      return std::move(plan);
    }
  }
  return std::nullopt;
}

absl::StatusOr<Executed> ExecutePlan(Tx& tx, const ExecuteOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(PlanRecord plan, PlanToExecute(tx, options));
  if (plan.execute_time != absl::InfinitePast() &&
      plan.request_id == options.request_id && !plan.request_id.empty()) {
    return Executed{std::move(plan), true};
  }
  SHEAF_ASSIGN_OR_RETURN(const Queue queue, FindQueueOrError(tx, plan.queue));
  if (plan.state != PlanState::kReady) {
    return Error(Reason::kNoAnalysis,
                 absl::StrCat("No analysis available: ", NameOf(plan.id),
                              " has been executed already. Please analyze "
                              "again."));
  }
  SHEAF_RETURN_IF_ERROR(CheckFresh(tx, plan, queue, options.unchanged));
  if (queue.plan) SetState(tx, queue.plan, PlanState::kReplaced);
  plan.former = queue.plan;
  plan.state = PlanState::kActive;
  plan.request_id = options.request_id;
  plan.execute_time = tx.now();
  tx.SavePlan(plan);
  GoBy(tx, queue, plan.id,
       {.type = EventType::kPlanExecuted,
        .actor = options.actor,
        .reason = NameOf(plan.id)});
  return Executed{std::move(plan), false};
}

absl::StatusOr<PlanRecord> UndoPlan(Tx& tx, PlanId id,
                                    const std::string& actor) {
  SHEAF_ASSIGN_OR_RETURN(PlanRecord plan, FindPlanOrError(tx, id));
  SHEAF_ASSIGN_OR_RETURN(const Queue queue, FindQueueOrError(tx, plan.queue));
  if (queue.plan != id) {
    return Error(Reason::kPlanNotActive,
                 absl::StrCat(NameOf(id), " is not the active plan of queues/",
                              queue.name, " goes"));
  }
  if (plan.start_time != absl::InfinitePast()) {
    return Error(
        Reason::kPlanStarted,
        absl::StrCat("batches of ", NameOf(id), " have been handed out since ",
                     absl::FormatTime(plan.start_time)));
  }
  PlanId former = plan.former;
  if (former && !tx.FindPlan(former)) former = PlanId{};
  plan.state = PlanState::kUndone;
  plan.expire_time = tx.now() + kPlanLife;
  tx.SavePlan(plan);
  if (former) SetState(tx, former, PlanState::kActive);
  GoBy(tx, queue, former,
       {.type = EventType::kPlanUndone, .actor = actor, .reason = NameOf(id)});
  return plan;
}

absl::StatusOr<PlanWithTimes> FindPlanWithTimes(View& view, PlanId id) {
  SHEAF_ASSIGN_OR_RETURN(PlanRecord plan, FindPlanOrError(view, id));
  return PlanWithTimes{std::move(plan), view.TimesOf(id)};
}

absl::StatusOr<PlanPage> ListPlans(View& view, const std::string& queue,
                                   PlanId before, int limit) {
  SHEAF_RETURN_IF_ERROR(FindQueueOrError(view, queue).status());
  PlanPage page{.plans = view.Plans(queue, before, limit)};
  if (static_cast<int>(page.plans.size()) == limit) {
    page.next = page.plans.back().id;
  }
  std::erase_if(page.plans, [](const PlanRecord& plan) {
    return plan.state == PlanState::kStoring;
  });
  return page;
}

std::string ChangesSince(EventReads& events, const PlanRecord& plan) {
  Changes changes;
  for (const Event& event : events.Events(plan.sequence, kChangesRead)) {
    if (event.queue == plan.queue) changes.Note(event);
  }
  return changes.Text();
}

std::vector<Run> StillWaiting(View& view, const PlanBatch& batch) {
  std::vector<Run> waiting;
  for (const RunId id : batch.runs) {
    std::optional<Run> run = view.FindRun(id);
    if (!run || run->state != RunState::kQueued || run->alone) continue;
    if (run->run_time > view.now() || run->start_deadline <= view.now()) {
      continue;
    }
    waiting.push_back(*std::move(run));
  }
  return waiting;
}

}  // namespace sheaf
