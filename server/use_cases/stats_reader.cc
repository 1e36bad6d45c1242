#include "server/use_cases/stats_reader.h"

#include "base/status.h"
#include "queue/queues.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kWindowDefault = absl::Minutes(5);

}  // namespace

absl::StatusOr<StatsFacts> StatsReader::Read(View& view,
                                             const std::string& queue,
                                             absl::Duration window) const {
  if (!queue.empty()) {
    SHEAF_RETURN_IF_ERROR(FindQueueOrError(view, queue).status());
  }
  if (window <= absl::ZeroDuration()) window = kWindowDefault;
  const absl::Time now = parts_.now();
  return StatsFacts{.queue = queue,
                    .now = now,
                    .recalled = parts_.stats->Recall(window, now),
                    .queues = view.Queues(),
                    .batches = view.Batches(absl::InfiniteFuture()),
                    .workers = parts_.workers->List(),
                    .owners = view.Owners(),
                    .given = parts_.planner->Given(),
                    .knee = parts_.prices->Knee(),
                    .figures = parts_.learned->Figures()};
}

}  // namespace sheaf::server
