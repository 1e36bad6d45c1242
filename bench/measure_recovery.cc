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

// Kills the server amid submits. Returns how many runs must be queued after the
// restart: those queued before, and those it acknowledged.
absl::StatusOr<int64_t> KillUnderLoad(ServerProcess* server, Client* client) {
  constexpr int64_t kForEver = 1'000'000'000;
  SHEAF_ASSIGN_OR_RETURN(const int64_t before, QueuedRuns(client));
  const Operations submits = UnarySubmits(client, 8, 1);
  Window window;
  // Each slot ends with its first failure, that is, when the server is gone.
  std::thread loader([&] { window = CountedLoop(submits, kForEver); });
  absl::SleepFor(absl::Milliseconds(300));
  server->Kill();
  loader.join();
  return before + static_cast<int64_t>(window.latencies.size()) -
         window.failures;
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
  int64_t lost = 0;
  for (int i = 0; i < kills; ++i) {
    if (Interrupted()) return absl::CancelledError("interrupted");
    SHEAF_ASSIGN_OR_RETURN(auto client, server->Connect(4));
    if (i == 0) SHEAF_RETURN_IF_ERROR(FillQueue(client.get(), runs));
    SHEAF_ASSIGN_OR_RETURN(const int64_t acknowledged,
                           KillUnderLoad(server.get(), client.get()));
    SHEAF_ASSIGN_OR_RETURN(const double time, TimeRestart(server.get()));
    seconds.push_back(time);
    SHEAF_ASSIGN_OR_RETURN(auto after, server->Connect(1));
    SHEAF_ASSIGN_OR_RETURN(const int64_t queued, QueuedRuns(after.get()));
    // One more was submitted to see that it is back.
    lost += std::max<int64_t>(0, acknowledged + 1 - queued);
  }
  const std::string name =
      fmt::format("from kill -9 to a submit, {} queued", CountName(runs));
  suite.table->Add(
      AtMost({name, Median(seconds), "s"}, 2, "median", suite.judge()));
  suite.table->Add({name + ", worst",
                    *std::max_element(seconds.begin(), seconds.end()), "s"});
  suite.table->Add(AtMost(
      {"acknowledged runs lost by kill -9", static_cast<double>(lost), "runs"},
      0, "", /*judge=*/true));
  return absl::OkStatus();
}

}  // namespace sheaf::bench
