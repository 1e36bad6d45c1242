#include "server/use_cases/run_checkpoints.h"

#include <optional>

#include "base/status.h"

namespace sheaf::server {

std::vector<int> SavedSteps(const CheckpointStore& checkpoints,
                            const Leased& leased) {
  std::vector<int> steps;
  for (const LeasedRun& leased_run : leased.runs) {
    const RunId run = leased_run.run.id;
    // Most runs have no checkpoint, and need no digest.
    steps.push_back(
        checkpoints.Has(run)
            ? checkpoints.StepOf(run, RequestDigest(leased_run.params))
            : 0);
  }
  return steps;
}

void RemoveEnded(CheckpointStore* checkpoints, ArtifactLibrary* files,
                 const Committed& committed) {
  for (const Event& event : committed.events) {
    for (const RunChange& change : event.runs) {
      if (!IsFinal(change.state) || !checkpoints->Has(change.run)) continue;
      files->Run([checkpoints, run = change.run] { checkpoints->Remove(run); });
    }
  }
}

absl::Status SweepCheckpoints(Store& store, CheckpointStore& checkpoints) {
  const std::vector<RunId> kept = checkpoints.Runs();
  if (kept.empty()) return absl::OkStatus();
  std::vector<RunId> ended;
  SHEAF_RETURN_IF_ERROR(ReadAndWait(store, [&](View& view) {
    ended.clear();
    for (const RunId id : kept) {
      const std::optional<Run> run = view.FindRun(id);
      if (!run || IsFinal(run->state)) ended.push_back(id);
    }
    return absl::OkStatus();
  }));
  for (const RunId id : ended) checkpoints.Remove(id);
  return absl::OkStatus();
}

}  // namespace sheaf::server
