#include "batching/rows/explain_runs.h"

#include <algorithm>
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

absl::StatusOr<Explanation> ExplainRuns(View& view, RunId a, RunId b,
                                        const ModelTable& models) {
  SHEAF_ASSIGN_OR_RETURN(const AskedRun one, Find(view, a));
  SHEAF_ASSIGN_OR_RETURN(const AskedRun other, Find(view, b));
  const ModelFacts& facts = models.Of(one.params);
  const ModelFacts& others = models.Of(other.params);
  return Explain({one.kind, &one.params, &facts.defaults},
                 {other.kind, &other.params, &others.defaults},
                 std::max(facts.capability, others.capability));
}

}  // namespace sheaf::batching
