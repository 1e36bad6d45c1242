// From kill -9 to the next answered submit.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "absl/time/clock.h"
#include "base/status.h"
#include "bench/payload.h"
#include "bench/submit_ops.h"
#include "bench/suite.h"

namespace sheaf::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kAttempt = absl::Milliseconds(20);

absl::Status AskAndSubmit(Client* client) {
  {
    pb::ServerInfo info;
    grpc::ClientContext context;
    SetDeadline(&context);
    SHEAF_RETURN_IF_ERROR(
        FromGrpc(client->of(0).admin->GetServerInfo(&context, {}, &info)));
  }
  const pb::SubmitJobRequest request = MakeSubmit(1);
  pb::SubmitJobResponse response;
  grpc::ClientContext context;
  SetDeadline(&context);
  return FromGrpc(client->of(0).jobs->SubmitJob(&context, request, &response));
}

absl::StatusOr<int64_t> QueuedRuns(Client* client) {
  pb::GetQueueRequest request;
  request.set_name(kQueue);
  pb::Queue queue;
  grpc::ClientContext context;
  SetDeadline(&context);
  SHEAF_RETURN_IF_ERROR(
      FromGrpc(client->of(0).queues->GetQueue(&context, request, &queue)));
  return queue.queued_run_count();
}

// Kills the server in the midst of submits; the runs it had acknowledged.
absl::Status KillUnderLoad(ServerProcess* server, Client* client) {
  SHEAF_ASSIGN_OR_RETURN(const int64_t before, QueuedRuns(client));
  if (before == 0) return absl::InternalError("the queue is empty");
  const Operations submits = UnarySubmits(client, 8, 1);
  LoadOptions load;
  load.window = absl::Milliseconds(500);
  std::thread loader([&] { ClosedLoop(submits, load); });
  absl::SleepFor(absl::Milliseconds(300));
  server->Kill();
  loader.join();
  return absl::OkStatus();
}

// Seconds from the start of the process to the first answered submit.
absl::StatusOr<double> TimeRestart(ServerProcess* server) {
  const absl::Time start = absl::Now();
  SHEAF_RETURN_IF_ERROR(server->Launch());
  while (absl::Now() < start + kPatience) {
    auto client = Client::Connect(server->address(), 1, kAttempt);
    if (client.ok() && AskAndSubmit(client->get()).ok()) {
      return absl::ToDoubleSeconds(absl::Now() - start);
    }
  }
  return absl::DeadlineExceededError("the server did not come back");
}

}  // namespace

absl::Status MeasureRecovery(Suite& suite) {
  const int64_t runs = suite.Size<int64_t>(1'000'000, 8'000);
  const int kills = suite.Size(5, 1);
  SHEAF_ASSIGN_OR_RETURN(auto server, suite.Serve("recovery"));
  std::vector<double> seconds;
  int64_t queued = runs;
  for (int i = 0; i < kills; ++i) {
    if (Interrupted()) return absl::CancelledError("interrupted");
    SHEAF_ASSIGN_OR_RETURN(auto client, server->Connect(4));
    if (i == 0) SHEAF_RETURN_IF_ERROR(FillQueue(client.get(), runs));
    SHEAF_RETURN_IF_ERROR(KillUnderLoad(server.get(), client.get()));
    SHEAF_ASSIGN_OR_RETURN(const double time, TimeRestart(server.get()));
    seconds.push_back(time);
    SHEAF_ASSIGN_OR_RETURN(auto after, server->Connect(1));
    SHEAF_ASSIGN_OR_RETURN(const int64_t found, QueuedRuns(after.get()));
    queued = std::min(queued, found);
  }
  const std::string name =
      fmt::format("from kill -9 to a submit, {} queued", CountName(runs));
  suite.table->Add(
      AtMost({name, Median(seconds), "s"}, 2, "median", suite.judge()));
  suite.table->Add({name + ", worst",
                    *std::max_element(seconds.begin(), seconds.end()), "s"});
  suite.table->Add(AtLeast(
      {"runs queued after kill -9", static_cast<double>(queued), "runs"},
      static_cast<double>(runs), "none lost", suite.judge()));
  return absl::OkStatus();
}

}  // namespace sheaf::bench
