// A server that a worker can talk to over a real connection. It does nothing by
// itself: the test hands out batches, replies and signals, and reads the
// worker's calls.
//
// Owned by the test, which may call everything from any thread. Waits end after
// ten seconds at most, so that a broken worker fails a test instead of hanging
// it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"
#include "sheaf/v1/worker_service.grpc.pb.h"

namespace sheaf::worker {

// All calls of workers so far, and the answers that the server is to give.
struct FakeServerState {
  std::vector<v1::RegisterWorkerRequest> registered;
  std::vector<v1::ReportProgressRequest> reports;
  std::vector<v1::FinishRunsRequest> finishes;
  int finish_tries = 0;  // Calls to FinishRuns, with those that got an error.
  std::vector<v1::ReleaseLeaseRequest> releases;
  std::vector<std::string> deregistered;
  std::vector<v1::ReportProfileRequest> profiles;
  std::map<std::string, std::string> artifacts;  // Bytes by name.
  int streams_open = 0;
  int lease_calls = 0;   // Waiting now, not to join.
  int uploads_open = 0;  // All received, not yet answered.
  int upload_count = 0;
  std::size_t chunk_bytes_largest = 0;
  struct Saved {
    v1::CheckpointHeader header;
    std::string bytes;
  };
  std::vector<Saved> saved;  // Checkpoints, as they came.
  std::vector<v1::LoadCheckpointRequest> loads;

  std::deque<v1::LeasedBatch> batches;
  // Answers to join requests; `asked` keeps all requests.
  std::deque<v1::LeasedBatch> joins;
  std::vector<v1::LeaseBatchRequest> asked;
  int asks_open = 0;     // Join requests waiting now.
  int lease_number = 0;  // Counts all calls to LeaseBatch.
  std::optional<grpc::Status> ask_error;
  std::vector<std::string> unproven;  // Calls without the right secret.
  std::deque<v1::WorkerSignal> signals;
  bool calibrate = false;             // Told in the first signal.
  bool calibrate_all = false;         // Told with the next answer, once.
  bool drain = false;                 // Told to LeaseBatch.
  v1::ReportProgressResponse orders;  // Answer to each report.
  std::string lost;                   // The batch whose lease is lost.
  std::optional<grpc::Status> register_error;
  std::optional<grpc::Status> report_error;
  std::optional<grpc::Status> finish_error;
  std::optional<grpc::Status> upload_error;
  bool uploads_wait = false;
  bool saves_wait = false;
  std::optional<grpc::Status> load_error;
  std::map<std::string, std::string> checkpoints;  // Bytes by run, to load.
  absl::Duration lease_duration = absl::Seconds(10);
  absl::Duration heartbeat_interval = absl::Seconds(3);

  // All outcomes, by run. A run told twice keeps its first outcome.
  std::map<std::string, v1::RunOutcome> Outcomes() const;
};

class FakeServer {
 public:
  // Listens on a unix socket of its own.
  FakeServer();
  ~FakeServer();

  const std::string& address() const { return address_; }

  // Shutdown ends all calls at once; Start listens on the same socket again.
  void Shutdown();
  void Start();

  // Looks at the state, or changes it, under its lock.
  void With(const std::function<void(FakeServerState&)>& use);
  // Whether `holds` came true in time.
  bool WaitUntil(const std::function<bool(const FakeServerState&)>& holds,
                 absl::Duration patience = absl::Seconds(10));

  // Short forms of frequent uses.
  void AddBatch(const v1::LeasedBatch& batch);
  void Signal(bool report_now, bool drain);
  bool WaitForOutcomes(int count);
  FakeServerState Snapshot();

 private:
  class Workers;
  class Artifacts;

  const std::string address_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool down_ = true;
  int worker_count_ = 0;
  FakeServerState state_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Artifacts> artifacts_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace sheaf::worker
