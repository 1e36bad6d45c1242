#include "batching/rows/explain_runs.h"

#include <string>

#include "base/status.h"
#include "queue/jobs.h"

namespace sheaf::batching {
namespace {

struct AskedRun {
  RunParams params;
  std::string kind;
};

absl::StatusOr<AskedRun> Find(View& view, RunId id) {
  SHEAF_RETURN_IF_ERROR(FindRunOrError(view, id).status());
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(view, id.job()));
  return AskedRun{Merge(view.SharedParams(id.job()), view.OwnParams(id)),
                  job.kind};
}

}  // namespace

absl::StatusOr<Explanation> ExplainRuns(View& view, RunId a, RunId b) {
  SHEAF_ASSIGN_OR_RETURN(const AskedRun one, Find(view, a));
  SHEAF_ASSIGN_OR_RETURN(const AskedRun other, Find(view, b));
  const RunParams none;
  return Explain({one.kind, &one.params, &none},
                 {other.kind, &other.params, &none}, Capability::kFull);
}

}  // namespace sheaf::batching
