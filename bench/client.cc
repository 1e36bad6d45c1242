#include "bench/client.h"

#include <algorithm>
#include <climits>

namespace sheaf::bench {

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(
    const std::string& address, int connections, absl::Duration patience) {
  grpc::ChannelArguments arguments;
  // Each channel gets its own connection, instead of one for all channels to an
  // address.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, INT_MAX);
  const auto deadline = absl::ToChronoTime(absl::Now() + patience);
  auto client = std::make_unique<Client>();
  for (int i = 0; i < connections; ++i) {
    Connection connection;
    connection.channel = grpc::CreateCustomChannel(
        address, grpc::InsecureChannelCredentials(), arguments);
    if (!connection.channel->WaitForConnected(deadline)) {
      return absl::UnavailableError("nobody answers at " + address);
    }
    connection.jobs = pb::JobService::NewStub(connection.channel);
    connection.queues = pb::QueueService::NewStub(connection.channel);
    connection.workers = pb::WorkerService::NewStub(connection.channel);
    connection.admin = pb::AdminService::NewStub(connection.channel);
    client->connections_.push_back(std::move(connection));
  }
  return client;
}

int ConnectionsFor(int in_flight) { return std::min(in_flight, 4); }

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

void SetDeadline(grpc::ClientContext* context, absl::Duration timeout) {
  context->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

}  // namespace sheaf::bench
