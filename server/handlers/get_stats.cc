// AdminHandler::GetStats.
#include <map>

#include "base/status.h"
#include "queue/queues.h"
#include "server/handlers/admin_handler.h"
#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/prices_board.h"
#include "server/wire/convert.h"
#include "server/wire/convert_memory.h"
#include "server/wire/convert_stats.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kWindowDefault = absl::Minutes(5);

// The present state, from one snapshot.
struct Present {
  std::vector<Queue> queues;
  std::vector<Batch> batches;
  std::vector<OwnerCounts> owners;
};

absl::StatusOr<Present> Look(View& view, const std::string& queue) {
  if (!queue.empty()) {
    SHEAF_RETURN_IF_ERROR(FindQueueOrError(view, queue).status());
  }
  return Present{view.Queues(), view.Batches(absl::InfiniteFuture()),
                 view.Owners()};
}

void OwnersToProto(const std::vector<OwnerCounts>& owners,
                   const std::map<std::string, absl::Duration>& given,
                   pb::Stats* out) {
  for (const OwnerCounts& counts : owners) {
    pb::OwnerStats* owner = out->add_owners();
    owner->set_owner(counts.owner);
    owner->set_queued_run_count(counts.queued);
    owner->set_running_run_count(counts.running);
    const auto known = given.find(counts.owner);
    SetDuration(known == given.end() ? absl::ZeroDuration() : known->second,
                owner->mutable_predicted_time());
  }
}

}  // namespace

grpc::ServerUnaryReactor* AdminHandler::GetStats(
    grpc::CallbackServerContext* context, const pb::GetStatsRequest* request,
    pb::Stats* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    absl::Duration window = FromProto(request->window());
    if (window <= absl::ZeroDuration()) window = kWindowDefault;
    return calls_.Read(
        context,
        [queue = LastPart(request->queue())](View& view) {
          return Look(view, queue);
        },
        [this, request, window, response](const Present& present) {
          const absl::Time now = options_.now();
          ToProto(
              StatsParts{options_.stats->Recall(window, now), present.queues,
                         present.batches, options_.workers->List(), now},
              LastPart(request->queue()), response);
          response->set_knee(options_.prices->Knee());
          for (const WorkFigures& figures : options_.learned->Figures()) {
            ToProto(figures, response->add_memory());
          }
          OwnersToProto(present.owners, options_.planner->Given(), response);
          SetTime(options_.start_time, response->mutable_start_time());
          for (const auto& [key, value] : options_.config) {
            pb::ConfigEntry* entry = response->add_config();
            entry->set_key(key);
            entry->set_value(value);
          }
        });
  });
}

}  // namespace sheaf::server
