// The worker's side as operations of a load: lease a batch, finish its runs.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "bench/client.h"
#include "bench/load.h"

namespace sheaf::bench {

// A registered worker: its stream stays open for as long as it lives.
class WorkerSession final : private grpc::ClientReadReactor<pb::WorkerSignal> {
 public:
  static absl::StatusOr<std::unique_ptr<WorkerSession>> Register(
      Client::Connection* connection, int batch_size_max);
  ~WorkerSession();
  const std::string& name() const { return name_; }
  const std::string& secret() const { return secret_; }

 private:
  WorkerSession() = default;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  pb::RegisterWorkerRequest request_;
  pb::WorkerSignal signal_;
  grpc::ClientContext context_;
  std::string name_;  // both set before named_ is notified
  std::string secret_;
  absl::Notification named_;
  absl::Notification over_;
};

using WorkerSessions = std::vector<std::unique_ptr<WorkerSession>>;
absl::StatusOr<WorkerSessions> RegisterWorkers(Client* client, int count,
                                               int batch_size_max);

// Leases one batch, which must be there and hold `runs` runs, and reports all
// of them as succeeded.
class LeaseAndFinish final : public Operation {
 public:
  LeaseAndFinish(Client::Connection* connection, const WorkerSession& worker,
                 int runs);
  void Start(Done done) override;

 private:
  void Leased(const grpc::Status& status);
  void Finished(const grpc::Status& status);

  pb::WorkerService::Stub* const stub_;
  const int runs_;
  pb::LeaseBatchRequest lease_;
  pb::LeaseBatchResponse leased_;
  pb::FinishRunsRequest finish_;
  pb::FinishRunsResponse finished_;
  std::optional<grpc::ClientContext> context_;
  Done done_;
};

// One operation after another, as one: a job's full life, say.
class InTurn final : public Operation {
 public:
  InTurn(std::unique_ptr<Operation> first, std::unique_ptr<Operation> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  void Start(Done done) override;

 private:
  const std::unique_ptr<Operation> first_;
  const std::unique_ptr<Operation> second_;
  Done done_;
};

// `submits`, each followed by lease and finish of `runs` runs, by the worker
// of the same place.
Operations FullLives(Client* client, Operations submits,
                     const WorkerSessions& workers, int runs);

}  // namespace sheaf::bench
