// A client of the server: a few connections, and a stub of each service on
// every one. Threads: any; gRPC's own run the callbacks.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sheaf/v1/admin_service.grpc.pb.h"
#include "sheaf/v1/job_service.grpc.pb.h"
#include "sheaf/v1/queue_service.grpc.pb.h"
#include "sheaf/v1/worker_service.grpc.pb.h"

namespace sheaf::bench {

namespace pb = ::sheaf::v1;

// No call of a benchmark takes longer, however slow the machine.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(60);

class Client {
 public:
  struct Connection {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<pb::JobService::Stub> jobs;
    std::unique_ptr<pb::QueueService::Stub> queues;
    std::unique_ptr<pb::WorkerService::Stub> workers;
    std::unique_ptr<pb::AdminService::Stub> admin;
  };

  // Connects, within `patience`. UNAVAILABLE where nobody listens.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(
      const std::string& address, int connections, absl::Duration patience);

  // Slots share the connections evenly.
  Connection& of(int slot) { return connections_[slot % connections_.size()]; }

 private:
  std::vector<Connection> connections_;
};

// Enough connections for that many calls in flight, as separate clients would
// have them; more than four only cost memory.
int ConnectionsFor(int in_flight);

// Converts the status of a gRPC call to one of ours.
absl::Status FromGrpc(const grpc::Status& status);

// The context of one call, with its deadline. `context` is a unique_ptr or
// optional of the caller.
void SetDeadline(grpc::ClientContext* context,
                 absl::Duration timeout = kCallTimeout);

}  // namespace sheaf::bench
