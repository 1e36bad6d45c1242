#include "server/use_cases/worker_sessions.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "base/status.h"
#include "base/version.h"
#include "queue/error.h"
#include "server/use_cases/worker_claim.h"

namespace sheaf::server {
namespace {

// Most workers of one address; and most bytes of one worker's model names.
constexpr int kWorkersMax = 512;
constexpr int64_t kNameBytesMax = 256 << 10;
constexpr int64_t kCatalogBytesMax = 256 << 10;

std::vector<std::string> IdentitiesOf(const std::vector<DeviceInfo>& devices) {
  std::vector<std::string> identities;
  for (const DeviceInfo& device : devices) {
    identities.push_back(IdentityOf(device));
  }
  return identities;
}

}  // namespace

absl::StatusOr<WorkerInfo> WorkerSessions::Admit(const Caller& caller,
                                                 WorkerInfo worker) const {
  int64_t bytes = 0;
  for (const std::string& model : worker.lessee.models) {
    bytes += static_cast<int64_t>(model.size());
  }
  if (bytes > kNameBytesMax) {
    return InvalidArgument(
        {{"models",
          absl::StrCat("take more than ", kNameBytesMax, " bytes in all")}});
  }
  if (worker.catalog != nullptr && worker.catalog->bytes > kCatalogBytesMax) {
    return InvalidArgument(
        {{"catalog",
          absl::StrCat("takes more than ", kCatalogBytesMax, " bytes")}});
  }
  if (parts_.workers->CountFrom(caller.address) >= kWorkersMax) {
    return WithRetryAfter(
        Error(Reason::kOverloaded,
              absl::StrCat("there are ", kWorkersMax,
                           " workers from this address already")),
        absl::Seconds(10));
  }
  if (IsOutdated(worker.version)) {
    return Error(
        Reason::kWorkerOutdated,
        absl::StrCat("a worker of version ", worker.version,
                     " does not show the secrets of its leases; update it to ",
                     kVersion));
  }
  worker.peer = caller.connection;
  worker.address = caller.address;
  worker.secret = RandomBytes();
  return worker;
}

absl::StatusOr<WorkerInfo> WorkerSessions::Name(Tx& tx,
                                                WorkerInfo worker) const {
  worker.lessee.id = tx.NewWorkerId();
  tx.AppendEvent(
      {.type = EventType::kWorkerJoined, .worker = worker.lessee.name});
  return worker;
}

Welcome WorkerSessions::Open(WorkerInfo worker,
                             WorkerRegistry::Nudge nudge) const {
  worker.register_time = worker.heartbeat_time = parts_.now();
  parts_.stats->NoteJoined(worker.lessee.id, IdentitiesOf(worker.devices));
  parts_.workers->Attach(worker, std::move(nudge));
  return {.lease_duration = parts_.lease_duration,
          .heartbeat_interval = parts_.heartbeat_interval,
          .calibrate = HasModelsToMeasure(worker)};
}

void WorkerSessions::StreamEnded(const WorkerInfo& worker) const {
  const WorkerId id = worker.lessee.id;
  if (parts_.workers->Detach(id)) Miss(id, worker.lessee.name, parts_.grace);
}

void WorkerSessions::Miss(WorkerId id, const std::string& name,
                          absl::Duration grace) const {
  if (parts_.is_closing()) return;
  parts_.timer->After(grace, [this, id, name, since = parts_.now()] {
    const std::optional<WorkerInfo> worker = parts_.workers->Find(id);
    if (!worker) return;  // it has said goodbye
    if (worker->heartbeat_time > since) {
      return Miss(id, name, parts_.lease_duration);
    }
    // A lease that cannot be ended now ends when its time is over.
    End(id, name, LeaseEnd::kDied, "its connection ended",
        [](const absl::Status&) {});
  });
}

void WorkerSessions::Leave(const WorkerInfo& worker,
                           std::function<void(absl::Status)> done) const {
  End(worker.lessee.id, worker.lessee.name, LeaseEnd::kHandedBack,
      "it said goodbye", std::move(done));
}

void WorkerSessions::End(WorkerId id, const std::string& name, LeaseEnd how,
                         const std::string& reason,
                         std::function<void(absl::Status)> done) const {
  parts_.workers->Remove(id);
  parts_.lease_waiters->DropWorker(id);
  const Event left{
      .type = EventType::kWorkerLeft, .worker = name, .reason = reason};
  EndLeasesOf(*parts_.store, id, how,
              [store = parts_.store, stats = parts_.stats, id, left,
               done](const absl::Status& ended) {
                stats->NoteLeft(id);
                store->Write(
                    [left](Tx& tx) {
                      tx.AppendEvent(left);
                      return absl::OkStatus();
                    },
                    [done, ended](const absl::Status& noted) {
                      done(ended.ok() ? noted : ended);
                    },
                    {.own = true});
              });
}

absl::StatusOr<WorkerInfo> WorkerSessions::Find(
    const Caller& caller, const std::string& name,
    const std::string& secret) const {
  return FindClaimed(*parts_.workers, name, caller, secret);
}

bool WorkerSessions::HasModelsToMeasure(const WorkerInfo& worker) const {
  const Names& models = worker.lessee.models;
  return worker.measures &&
         std::any_of(models.begin(), models.end(), [&](const auto& model) {
           return !parts_.prices->HasMeasured(worker.lessee.device, model);
         });
}

}  // namespace sheaf::server
