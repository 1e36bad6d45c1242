#include "bench/server_process.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "bench/payload.h"
#include "bench/submit_ops.h"

namespace sheaf::bench {
namespace {

constexpr absl::Duration kStartPatience = absl::Seconds(30);

absl::Status CreateQueue(Client* client) {
  pb::CreateQueueRequest request;
  request.set_name(kQueue);
  request.mutable_settings()->set_batch_size(kBatchSize);
  // Natural batches: each job by itself.
  request.mutable_settings()->set_policy(pb::BATCH_POLICY_OFF);
  pb::Queue queue;
  grpc::ClientContext context;
  SetDeadline(&context);
  return FromGrpc(client->of(0).queues->CreateQueue(&context, request, &queue));
}

std::string SheafdPath() { return ProgramDirectory() + "/sheafd"; }

}  // namespace

bool ServerProcess::Available() {
  std::error_code ignored;
  return std::filesystem::exists(SheafdPath(), ignored);
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const ServerOptions& options) {
  std::unique_ptr<ServerProcess> server(new ServerProcess(options));
  std::error_code ignored;
  std::filesystem::create_directories(options.directory, ignored);
  SHEAF_RETURN_IF_ERROR(server->ChooseAddress());
  SHEAF_RETURN_IF_ERROR(server->Launch());
  auto client = Client::Connect(server->address_, 1, kStartPatience);
  absl::Status status = client.status();
  if (status.ok() && !options.echo) status = CreateQueue(client->get());
  if (status.ok()) return server;
  return absl::Status(status.code(), absl::StrCat(status.message(), "\n",
                                                  TailOf(server->log())));
}

absl::Status ServerProcess::ChooseAddress() {
  if (options_.unix_socket) {
    address_ = "unix:" + options_.directory + "/socket";
    return absl::OkStatus();
  }
  SHEAF_ASSIGN_OR_RETURN(const int port, FreePort());
  address_ = absl::StrCat("127.0.0.1:", port);
  return absl::OkStatus();
}

absl::Status ServerProcess::Launch() {
  Process::Options options;
  options.log_path = log();
  if (options_.echo) {
    options.command = {ProgramPath(), "--echo-server", address_};
  } else {
    // With an affinity wait of 0, a worker takes any waiting run, and leaves
    // none to a worker that has the model already.
    options.command = {
        SheafdPath(), "--data-dir",      options_.directory + "/data",
        "--listen",   address_,          "--local-workers",
        "0",          "--affinity-wait", "0s"};
  }
  SHEAF_ASSIGN_OR_RETURN(process_, Process::Start(options));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Client>> ServerProcess::Connect(
    int in_flight) const {
  return Client::Connect(address_, ConnectionsFor(in_flight), kStartPatience);
}

absl::Status FillQueue(Client* client, int64_t runs) {
  constexpr int kJobs = 100;
  constexpr int kInFlight = 4;
  const int64_t calls = runs / (kJobs * kBatchSize);
  const int64_t left = runs % (kJobs * kBatchSize) / kBatchSize;
  int64_t failures =
      CountedLoop(BulkSubmits(client, kInFlight, kJobs, kBatchSize), calls)
          .failures;
  failures +=
      CountedLoop(UnarySubmits(client, kInFlight, kBatchSize), left).failures;
  if (failures == 0) return absl::OkStatus();
  return absl::UnknownError("a submit failed while the queue was filled");
}

}  // namespace sheaf::bench
