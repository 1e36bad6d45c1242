#include "queue/leasing/hold.h"

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "base/status.h"

namespace sheaf {
namespace {

std::string InWords(const Hold& hold) {
  return absl::StrCat(NameOf(hold.batch), " in epoch ", hold.epoch);
}

}  // namespace

Hold HoldOf(const Batch& batch) {
  return {batch.worker, batch.id, batch.epoch, batch.secret};
}

absl::Status CheckHold(const std::optional<Batch>& batch, const Hold& hold) {
  if (hold.secret.empty()) {
    return Error(
        Reason::kLeaseLost,
        absl::StrCat("the report shows no secret of ", NameOf(hold.batch),
                     "; a worker older than 0.2.0 must be updated"));
  }
  // All that is public first: the time it takes tells nothing new.
  if (!batch || batch->id != hold.batch || batch->epoch != hold.epoch ||
      batch->worker != hold.worker ||
      !IsSameSecret(batch->secret, hold.secret)) {
    return Error(Reason::kLeaseLost,
                 absl::StrCat(InWords(hold), " is not held by ",
                              NameOf(hold.worker), " with this secret"));
  }
  return absl::OkStatus();
}

int64_t MarkOf(const Hold& hold) {
  return MarkOf(hold.secret,
                absl::StrCat(NameOf(hold.worker), " ", InWords(hold)));
}

absl::StatusOr<RunParams> ParamsHeld(View& view, const Hold& hold, RunId id) {
  const std::optional<Batch> batch = view.FindBatch(hold.batch);
  SHEAF_RETURN_IF_ERROR(CheckHold(batch, hold));
  const std::optional<Run> run = view.FindRun(id);
  if (!run || run->state != RunState::kRunning || run->batch != hold.batch ||
      run->epoch != hold.epoch || batch->twins.contains(id)) {
    return Error(Reason::kLeaseLost, absl::StrCat(NameOf(id),
                                                  " is not to be "
                                                  "made under ",
                                                  InWords(hold)));
  }
  return Merge(view.SharedParams(id.job()), view.OwnParams(id));
}

}  // namespace sheaf
