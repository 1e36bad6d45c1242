#include "server/use_cases/worker_reports.h"

#include <set>

#include "base/crash_point.h"
#include "base/log/log.h"

namespace sheaf::server {
namespace {

// A batch that is done within this time need not give way.
constexpr absl::Duration kDoneSoon = absl::Seconds(1);

}  // namespace

absl::StatusOr<WorkerReports::Noted> WorkerReports::Note(
    Tx& tx, const ProgressReport& report) const {
  const LeaseClaim& claim = report.claim;
  const std::optional<WorkerInfo> worker = parts_.workers->Find(claim.worker);
  Noted noted{.drain = worker && worker->draining};
  const std::optional<Batch> batch = tx.FindBatch(claim.batch);
  const absl::Status held = CheckClaim(batch, claim);
  if (claim.secret.empty()) return held;
  if (!held.ok()) {
    noted.orders.lost = true;
    return noted;
  }
  noted.steps = NoteSteps(tx, *batch, report);
  const bool gives_way =
      worker && !worker->draining && GivesWay(tx, claim.batch, worker->lessee);
  noted.orders = Heartbeat(tx, claim, parts_.lease_duration, gives_way);
  return noted;
}

// Notes the steps within the write. So a commit that ends the run, perhaps the
// write's own, is observed after them.
std::vector<WorkerReports::NotedStep> WorkerReports::NoteSteps(
    Tx& tx, const Batch& batch, const ProgressReport& report) const {
  parts_.progress->NoteMemory(batch.id, report.memory_bytes);
  std::set<RunId> held(batch.runs.begin(), batch.runs.end());
  std::vector<NotedStep> noted;
  for (const ReportedStep& step : report.steps) {
    // Takes each run only once.
    if (held.erase(step.run) == 0 || batch.twins.contains(step.run)) continue;
    const std::optional<Run> run = tx.FindRun(step.run);
    if (!run || run->state != RunState::kRunning) continue;
    noted.push_back({&step, parts_.progress->Note(step.run, batch.id, step.step,
                                                  step.step_count, tx.now())});
  }
  return noted;
}

// Whether the worker should hand back the batch that it steps, for a waiting
// run that outranks it. A batch that is done in a moment stays.
bool WorkerReports::GivesWay(Tx& tx, BatchId batch, const Lessee& who) const {
  const auto outranked_by = OutrankedBy(tx, batch, who, parts_.planner);
  if (!outranked_by) return false;
  const absl::Time now = parts_.now();
  const auto left = parts_.under_way->FreeIn(who.id, now);
  if (left && absl::Milliseconds(*left) < kDoneSoon) return false;
  if (!parts_.planner->GivesWay(who.id, *outranked_by, now)) return false;
  Log(spdlog::level::info, "lease",
      "a batch is handed back for a run of higher priority",
      {{"batch", NameOf(batch)},
       {"worker", who.name},
       {"to", NameOf(*outranked_by)}});
  return true;
}

// Leaves out runs that have ended since, and of which nothing may be kept.
void WorkerReports::Tell(const ProgressReport& report,
                         const Noted& noted) const {
  if (noted.orders.lost) return;
  Heard(report.claim);
  for (auto [step, progress] : noted.steps) {
    if (!parts_.progress->Find(step->run)) continue;
    if (!step->preview.empty()) {
      parts_.previews->Keep(step->run, step->step, step->preview, parts_.now());
    }
    progress.preview_step = parts_.previews->StepOf(step->run);
    parts_.events->Publish(step->run, progress);
  }
}

absl::StatusOr<std::vector<RunState>> WorkerReports::End(
    Tx& tx, const EndReport& report) const {
  const bool live = tx.FindBatch(report.finish.claim.batch).has_value();
  auto states = Finish(tx, report.finish);
  // The claim was good, so the report is the worker's own word.
  if (live && states.ok()) NoteFigures(report);
  SHEAF_CRASH_POINT("mid-finish");
  return states;
}

// Notes the figures within the write, since the end of the batch is observed
// before the report is answered.
void WorkerReports::NoteFigures(const EndReport& report) const {
  const LeaseClaim& claim = report.finish.claim;
  if (report.memory) parts_.under_way->Held(claim.batch, *report.memory);
  if (report.engine_time) {
    parts_.workers->NoteEngineTime(claim.worker, *report.engine_time);
  }
}

void WorkerReports::Heard(const LeaseClaim& claim) const {
  parts_.workers->Heard(claim.worker, parts_.now());
}

}  // namespace sheaf::server
