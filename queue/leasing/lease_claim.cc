#include "queue/leasing/lease_claim.h"

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "base/status.h"

namespace sheaf {
namespace {

std::string InWords(const LeaseClaim& claim) {
  return absl::StrCat(NameOf(claim.batch), " in epoch ", claim.epoch);
}

}  // namespace

LeaseClaim ClaimOf(const Batch& batch) {
  return {batch.worker, batch.id, batch.epoch, batch.secret};
}

absl::Status CheckClaim(const std::optional<Batch>& batch,
                        const LeaseClaim& claim) {
  if (claim.secret.empty()) {
    return Error(
        Reason::kLeaseLost,
        absl::StrCat("the report shows no secret of ", NameOf(claim.batch),
                     "; a worker older than 0.2.0 must be updated"));
  }
  // All that is public first: the time it takes tells nothing new.
  if (!batch || batch->id != claim.batch || batch->epoch != claim.epoch ||
      batch->worker != claim.worker ||
      !IsSameSecret(batch->secret, claim.secret)) {
    return Error(Reason::kLeaseLost,
                 absl::StrCat(InWords(claim), " is not held by ",
                              NameOf(claim.worker), " with this secret"));
  }
  return absl::OkStatus();
}

int64_t MarkOf(const LeaseClaim& claim) {
  return MarkOf(claim.secret,
                absl::StrCat(NameOf(claim.worker), " ", InWords(claim)));
}

absl::StatusOr<RunParams> ParamsHeld(View& view, const LeaseClaim& claim,
                                     RunId id) {
  const std::optional<Batch> batch = view.FindBatch(claim.batch);
  SHEAF_RETURN_IF_ERROR(CheckClaim(batch, claim));
  const std::optional<Run> run = view.FindRun(id);
  if (!run || run->state != RunState::kRunning || run->batch != claim.batch ||
      run->epoch != claim.epoch || batch->twins.contains(id)) {
    return Error(
        Reason::kLeaseLost,
        absl::StrCat(NameOf(id), " is not to be made by ", InWords(claim)));
  }
  return Merge(view.SharedParams(id.job()), view.OwnParams(id));
}

}  // namespace sheaf
