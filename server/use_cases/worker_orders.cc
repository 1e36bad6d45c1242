#include "server/use_cases/worker_orders.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

WorkerId IdOf(const std::string& name) {
  return ParseWorkerName(name).value_or(WorkerId{});
}

absl::Status NoWorker(const std::string& name) {
  return WithSubject(
      Error(Reason::kWorkerNotFound, absl::StrCat("there is no ", name)), name);
}

}  // namespace

absl::StatusOr<WorkerInfo> WorkerOrders::Drain(const std::string& name) const {
  const WorkerId id = IdOf(name);
  if (!workers_.Drain(id)) return NoWorker(name);
  lease_waiters_.DropWorker(id);
  return workers_.Find(id).value_or(WorkerInfo{});
}

absl::StatusOr<WorkerInfo> WorkerOrders::Calibrate(
    const std::string& name) const {
  const WorkerId id = IdOf(name);
  std::optional<WorkerInfo> worker = workers_.Find(id);
  if (!worker) return NoWorker(name);
  if (!worker->measures) {
    return Error(Reason::kInvalidField,
                 absl::StrCat("name: ", name,
                              " has no model to measure, or cannot measure"));
  }
  if (!workers_.Calibrate(id)) return NoWorker(name);
  // The answer to its call for work tells it to calibrate.
  lease_waiters_.DropWorker(id);
  return *std::move(worker);
}

absl::StatusOr<std::vector<Batch>> NoteDraining(Tx& tx,
                                                const std::string& worker) {
  tx.AppendEvent({.type = EventType::kWorkerDraining, .worker = worker});
  return tx.Batches(absl::InfiniteFuture());
}

}  // namespace sheaf::server
