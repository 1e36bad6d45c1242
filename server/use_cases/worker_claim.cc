#include "server/use_cases/worker_claim.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

// The number that `text` begins with, taken off it; -1 where there is none.
int TakeNumber(std::string_view* text) {
  int number = -1;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || number < 0) return -1;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

bool TakeDot(std::string_view* text) {
  if (text->empty() || text->front() != '.') return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

bool Claims(const WorkerInfo& worker, const std::string& connection,
            const std::string& secret) {
  if (!secret.empty()) return IsSameSecret(worker.secret, secret);
  // All ends of UNIX sockets look alike.
  return worker.attached && !connection.empty() && !IsLocalSocket(connection) &&
         worker.peer == connection;
}

absl::StatusOr<WorkerInfo> FindClaimed(const WorkerRegistry& workers,
                                       const std::string& name,
                                       const Caller& caller,
                                       const std::string& secret) {
  std::optional<WorkerInfo> worker =
      workers.Find(ParseWorkerName(name).value_or(WorkerId{}));
  if (worker && Claims(*worker, caller.connection, secret))
    return *std::move(worker);
  return WithSubject(
      Error(Reason::kWorkerNotFound,
            worker ? absl::StrCat(name,
                                  " was registered over another connection, "
                                  "and the call does not show its secret "
                                  "(worker_secret)")
                   : absl::StrCat(
                         name, " is not registered here; call RegisterWorker")),
      name);
}

bool IsOutdated(std::string_view version) {
  const int major = TakeNumber(&version);
  if (major < 0 || !TakeDot(&version)) return false;
  const int minor = TakeNumber(&version);
  if (minor < 0 || !TakeDot(&version)) return false;
  const int patch = TakeNumber(&version);
  if (patch < 0 || !version.empty()) return false;
  return major == 0 && minor < 2;
}

}  // namespace sheaf::server
