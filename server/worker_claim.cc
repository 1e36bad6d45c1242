#include "server/worker_claim.h"

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "queue/error.h"
#include "server/caller.h"

namespace sheaf::server {

bool Claims(const WorkerInfo& worker, const std::string& peer,
            const std::string& secret) {
  if (!secret.empty()) return IsSameSecret(worker.secret, secret);
  // All ends of UNIX sockets look alike.
  return worker.attached && !peer.empty() && !IsLocalSocket(peer) &&
         worker.peer == peer;
}

absl::StatusOr<WorkerInfo> FindClaimed(const Core& core,
                                       const std::string& name,
                                       const std::string& peer,
                                       const std::string& secret) {
  std::optional<WorkerInfo> worker =
      core.workers->Find(ParseWorkerName(name).value_or(WorkerId{}));
  if (worker && Claims(*worker, peer, secret)) return *std::move(worker);
  return WithSubject(
      Error(Reason::kWorkerNotFound,
            worker ? absl::StrCat(name,
                                  " was registered over another connection, "
                                  "and the call does not show its secret "
                                  "(worker_secret)")
                   : absl::StrCat(name,
                                  " is not registered here; say "
                                  "RegisterWorker")),
      name);
}

}  // namespace sheaf::server
