#include "queue/hold.h"

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf {
namespace {

bool IsHeld(const std::optional<Batch>& batch, const std::optional<Run>& run,
            const Hold& hold) {
  return batch && run && batch->epoch == hold.epoch &&
         batch->worker == hold.worker && run->state == RunState::kRunning &&
         run->batch == hold.batch && run->epoch == hold.epoch &&
         !batch->twins.contains(hold.run);
}

}  // namespace

absl::StatusOr<RunParams> ParamsHeld(View& view, const Hold& hold) {
  if (!IsHeld(view.FindBatch(hold.batch), view.FindRun(hold.run), hold)) {
    return Error(
        Reason::kLeaseLost,
        absl::StrCat(NameOf(hold.run), " is not held by ", NameOf(hold.worker),
                     " with ", NameOf(hold.batch), " in epoch ", hold.epoch));
  }
  return Merge(view.SharedParams(hold.run.job()), view.OwnParams(hold.run));
}

}  // namespace sheaf
