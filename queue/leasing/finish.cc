#include "queue/leasing/finish.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "queue/run_changes.h"

namespace sheaf {
namespace {

absl::Status Lost(const Run& run, const FinishReport& report) {
  return WithMetadata(
      Error(Reason::kLeaseLost, absl::StrCat(NameOf(run.id), " is not held by ",
                                             NameOf(report.claim.batch),
                                             " in epoch ", report.claim.epoch)),
      "currentAttempt", absl::StrCat(run.attempt));
}

// Whether the report claims a success that can no longer be recorded. The run
// was then taken from this worker before, though perhaps no worker holds it
// again yet.
bool SaysWhatIsNot(const RunOutcome& outcome, const Run& run) {
  return std::holds_alternative<Succeeded>(outcome.outcome) &&
         run.state != RunState::kRunning && run.state != RunState::kSucceeded;
}

absl::Status CheckOutputs(Tx& tx, const RunOutcome& outcome) {
  const auto* success = std::get_if<Succeeded>(&outcome.outcome);
  if (success == nullptr) return absl::OkStatus();
  for (const Output& output : success->outputs) {
    if (!tx.FindArtifact(output.artifact)) {
      return Error(
          Reason::kArtifactNotFound,
          absl::StrCat("artifacts/", output.artifact, ", an output of ",
                       NameOf(outcome.run), ", has not been uploaded"));
    }
  }
  return absl::OkStatus();
}

// A run that waits for another's picture ends together with that run, which
// decides how. If it also ended by itself, it would move twice.
bool IsTwin(const std::optional<Batch>& batch, RunId run) {
  return batch && batch->twins.contains(run);
}

// The report's runs, if all its outcomes may be written. Writes nothing itself.
absl::StatusOr<std::vector<Run>> Check(Tx& tx, const FinishReport& report,
                                       const std::optional<Batch>& batch) {
  // Once the lease is gone, its runs tell whose it was. A report without runs
  // needs a live lease.
  if (batch || report.claim.secret.empty() || report.outcomes.empty()) {
    SHEAF_RETURN_IF_ERROR(CheckClaim(batch, report.claim));
  }
  const int64_t mark = MarkOf(report.claim);
  std::vector<Run> runs;
  std::set<RunId> seen;
  for (const RunOutcome& outcome : report.outcomes) {
    if (!seen.insert(outcome.run).second) {
      return InvalidArgument({{absl::StrCat("outcomes[", seen.size(), "].run"),
                               "names a run twice"}});
    }
    std::optional<Run> run = tx.FindRun(outcome.run);
    if (!run) {
      return Error(Reason::kRunNotFound,
                   absl::StrCat("there is no ", NameOf(outcome.run)));
    }
    if (run->hold != mark) {
      return Error(Reason::kLeaseLost,
                   absl::StrCat(NameOf(run->id), " belongs to another lease"));
    }
    if (run->batch != report.claim.batch || run->epoch != report.claim.epoch ||
        run->attempt != outcome.attempt || SaysWhatIsNot(outcome, *run) ||
        IsTwin(batch, run->id)) {
      return Lost(*run, report);
    }
    if (run->state == RunState::kRunning) {
      SHEAF_RETURN_IF_ERROR(CheckOutputs(tx, outcome));
    }
    runs.push_back(*std::move(run));
  }
  return runs;
}

struct Become {
  RunChanges& changes;
  Run& run;

  void operator()(const Succeeded& success) const {
    run.outputs = success.outputs;
    run.error.reset();
    changes.Move(run, RunState::kSucceeded);
  }
  void operator()(const RunError& error) const { changes.Fail(run, error); }
  // This cancels a run only if that was ordered. If the worker stops it on its
  // own account, it is handed back.
  void operator()(const StoppedAsOrdered&) const { changes.HandBack(run); }
  void operator()(const HandedBack&) const { changes.HandBack(run); }
};

// Ends the runs that wait for the picture of `run`: they get it too, or go back
// in line.
void FinishTwins(Tx& tx, const Run& run, Batch* batch, RunChanges* changes) {
  for (auto at = batch->twins.begin(); at != batch->twins.end();) {
    if (at->second != run.id) {
      ++at;
      continue;
    }
    std::optional<Run> twin = tx.FindRun(at->first);
    std::erase(batch->runs, at->first);
    at = batch->twins.erase(at);
    if (!twin || twin->state != RunState::kRunning ||
        twin->epoch != batch->epoch) {
      continue;
    }
    if (run.state == RunState::kSucceeded && !twin->cancel_requested) {
      Become{*changes, *twin}(Succeeded{run.outputs});
    } else {
      changes->HandBack(*twin);
    }
  }
}

// Writes the report's outcomes; `runs` are then as these leave them.
void Apply(Tx& tx, const FinishReport& report, Batch batch,
           std::vector<Run>* runs) {
  RunChanges changes(tx, batch.queue);
  for (size_t i = 0; i < runs->size(); ++i) {
    Run& run = (*runs)[i];
    // Read it again: an outcome before it may have ended it.
    run = tx.FindRun(run.id).value_or(run);
    if (run.state != RunState::kRunning) continue;
    std::visit(Become{changes, run}, report.outcomes[i].outcome);
    std::erase(batch.runs, run.id);
    FinishTwins(tx, run, &batch, &changes);
  }
  if (changes.empty()) return;
  if (batch.runs.empty()) {
    tx.DeleteBatch(batch.id);
  } else {
    tx.SaveBatch(batch);
  }
  changes.Commit({.type = EventType::kRunsChanged,
                  .batch = batch.id,
                  .worker = batch.worker_name});
}

}  // namespace

absl::StatusOr<std::vector<RunState>> Finish(Tx& tx,
                                             const FinishReport& report) {
  std::optional<Batch> batch = tx.FindBatch(report.claim.batch);
  SHEAF_ASSIGN_OR_RETURN(std::vector<Run> runs, Check(tx, report, batch));
  if (batch) Apply(tx, report, *std::move(batch), &runs);
  std::vector<RunState> states;
  for (const Run& run : runs) states.push_back(run.state);
  return states;
}

}  // namespace sheaf
