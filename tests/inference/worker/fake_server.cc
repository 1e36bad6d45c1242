#include "tests/inference/worker/fake_server.h"

#include <unistd.h>

#include <atomic>
#include <chrono>

#include "base/sha256.h"
#include "fmt/format.h"

namespace sheaf::worker {
namespace {

// How often a parked call checks whether its caller has left.
constexpr std::chrono::milliseconds kGlance(5);

using Lock = std::unique_lock<std::mutex>;

std::string MakeAddress() {
  static std::atomic<int> count = 0;
  return fmt::format("unix:/tmp/sheaf-fake-{}-{}.sock", getpid(), count++);
}

void Set(absl::Duration from, google::protobuf::Duration* to) {
  to->set_seconds(absl::ToInt64Seconds(from));
  to->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(from) % 1000000000));
}

// The secret that MakeBatch gives to a batch, and this server to a worker.
std::string SecretOf(const std::string& name) { return "secret of " + name; }

}  // namespace

class FakeServer::Workers : public v1::WorkerService::Service {
 public:
  explicit Workers(FakeServer* fake) : fake_(*fake) {}

  grpc::Status RegisterWorker(
      grpc::ServerContext* context, const v1::RegisterWorkerRequest* request,
      grpc::ServerWriter<v1::WorkerSignal>* writer) override {
    Lock lock(fake_.mutex_);
    if (fake_.state_.register_error) return *fake_.state_.register_error;
    fake_.state_.registered.push_back(*request);
    v1::WorkerSignal hello;
    hello.set_worker(fmt::format("workers/{}", ++fake_.worker_count_));
    hello.set_secret(SecretOf(hello.worker()));
    Set(fake_.state_.lease_duration, hello.mutable_lease_duration());
    Set(fake_.state_.heartbeat_interval, hello.mutable_heartbeat_interval());
    hello.set_calibrate(fake_.state_.calibrate);
    writer->Write(hello);
    ++fake_.state_.streams_open;
    fake_.changed_.notify_all();
    while (!fake_.down_ && !context->IsCancelled()) {
      if (!fake_.state_.signals.empty()) {
        v1::WorkerSignal signal = fake_.state_.signals.front();
        fake_.state_.signals.pop_front();
        signal.set_worker(hello.worker());
        writer->Write(signal);
      }
      fake_.changed_.wait_for(lock, kGlance);
    }
    --fake_.state_.streams_open;
    fake_.changed_.notify_all();
    return grpc::Status::OK;
  }

  grpc::Status LeaseBatch(grpc::ServerContext* context,
                          const v1::LeaseBatchRequest* request,
                          v1::LeaseBatchResponse* response) override {
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(request->wait().seconds());
    Lock lock(fake_.mutex_);
    Expect(request->worker(), request->worker_secret(), "LeaseBatch");
    const int number = ++fake_.state_.lease_number;
    if (!request->beside().empty()) {
      return Join(context, *request, number, end, &lock, response);
    }
    const int waits = request->wait().seconds() > 0 ? 1 : 0;
    fake_.state_.lease_calls += waits;
    fake_.changed_.notify_all();
    while (!fake_.down_ && !context->IsCancelled() &&
           fake_.state_.batches.empty() && !fake_.state_.drain &&
           !fake_.state_.calibrate_all &&
           std::chrono::steady_clock::now() < end) {
      fake_.changed_.wait_for(lock, kGlance);
    }
    fake_.state_.lease_calls -= waits;
    if (fake_.down_) return Down();
    response->set_calibrate(std::exchange(fake_.state_.calibrate_all, false));
    response->set_drain(fake_.state_.drain);
    if (!fake_.state_.batches.empty() && !context->IsCancelled()) {
      *response->mutable_batch() = fake_.state_.batches.front();
      fake_.state_.batches.pop_front();
    }
    return grpc::Status::OK;
  }

  grpc::Status ReportProgress(grpc::ServerContext*,
                              const v1::ReportProgressRequest* request,
                              v1::ReportProgressResponse* response) override {
    Lock lock(fake_.mutex_);
    Expect(request->batch(), request->secret(), "ReportProgress");
    fake_.state_.reports.push_back(*request);
    fake_.changed_.notify_all();
    if (fake_.state_.report_error) return *fake_.state_.report_error;
    *response = fake_.state_.orders;
    if (request->batch() == fake_.state_.lost) response->set_lease_lost(true);
    return grpc::Status::OK;
  }

  grpc::Status FinishRuns(grpc::ServerContext*,
                          const v1::FinishRunsRequest* request,
                          v1::FinishRunsResponse*) override {
    Lock lock(fake_.mutex_);
    Expect(request->batch(), request->secret(), "FinishRuns");
    ++fake_.state_.finish_tries;
    fake_.changed_.notify_all();
    if (fake_.state_.finish_error) return *fake_.state_.finish_error;
    fake_.state_.finishes.push_back(*request);
    return grpc::Status::OK;
  }

  grpc::Status ReleaseLease(grpc::ServerContext*,
                            const v1::ReleaseLeaseRequest* request,
                            v1::ReleaseLeaseResponse*) override {
    Lock lock(fake_.mutex_);
    Expect(request->batch(), request->secret(), "ReleaseLease");
    fake_.state_.releases.push_back(*request);
    fake_.changed_.notify_all();
    return grpc::Status::OK;
  }

  grpc::Status ReportProfile(grpc::ServerContext*,
                             const v1::ReportProfileRequest* request,
                             v1::ReportProfileResponse*) override {
    Lock lock(fake_.mutex_);
    Expect(request->worker(), request->worker_secret(), "ReportProfile");
    fake_.state_.profiles.push_back(*request);
    fake_.changed_.notify_all();
    return grpc::Status::OK;
  }

  grpc::Status DeregisterWorker(grpc::ServerContext*,
                                const v1::DeregisterWorkerRequest* request,
                                v1::DeregisterWorkerResponse*) override {
    Lock lock(fake_.mutex_);
    Expect(request->worker(), request->worker_secret(), "DeregisterWorker");
    fake_.state_.deregistered.push_back(request->worker());
    fake_.changed_.notify_all();
    return grpc::Status::OK;
  }

  grpc::Status SaveCheckpoint(
      grpc::ServerContext* context,
      grpc::ServerReader<v1::SaveCheckpointRequest>* reader,
      v1::SaveCheckpointResponse*) override {
    FakeServerState::Saved saved;
    v1::SaveCheckpointRequest part;
    while (reader->Read(&part)) {
      if (part.has_header()) saved.header = part.header();
      saved.bytes += part.data();
    }
    Lock lock(fake_.mutex_);
    Expect(saved.header.batch(), saved.header.secret(), "SaveCheckpoint");
    fake_.state_.saved.push_back(saved);
    fake_.changed_.notify_all();
    while (fake_.state_.saves_wait && !fake_.down_ && !context->IsCancelled()) {
      fake_.changed_.wait_for(lock, kGlance);
    }
    return grpc::Status::OK;
  }

  grpc::Status LoadCheckpoint(
      grpc::ServerContext*, const v1::LoadCheckpointRequest* request,
      grpc::ServerWriter<v1::LoadCheckpointResponse>* writer) override {
    Lock lock(fake_.mutex_);
    Expect(request->batch(), request->secret(), "LoadCheckpoint");
    fake_.state_.loads.push_back(*request);
    if (fake_.state_.load_error) return *fake_.state_.load_error;
    const std::string& bytes = fake_.state_.checkpoints[request->run()];
    v1::LoadCheckpointResponse part;
    part.set_size_bytes(static_cast<int64_t>(bytes.size()));
    // Send two pieces.
    part.set_data(bytes.substr(0, bytes.size() / 2));
    writer->Write(part);
    part.Clear();
    part.set_data(bytes.substr(bytes.size() / 2));
    writer->Write(part);
    return grpc::Status::OK;
  }

 private:
  // Like the real server: a later call to LeaseBatch ends this one.
  grpc::Status Join(grpc::ServerContext* context,
                    const v1::LeaseBatchRequest& request, int number,
                    std::chrono::steady_clock::time_point end, Lock* lock,
                    v1::LeaseBatchResponse* response) {
    FakeServerState& state = fake_.state_;
    Expect(request.beside(), request.secret(), "LeaseBatch");
    state.asked.push_back(request);
    if (state.ask_error) return *state.ask_error;
    ++state.asks_open;
    fake_.changed_.notify_all();
    while (!fake_.down_ && !context->IsCancelled() && state.joins.empty() &&
           state.lease_number == number &&
           std::chrono::steady_clock::now() < end) {
      fake_.changed_.wait_for(*lock, kGlance);
    }
    --state.asks_open;
    fake_.changed_.notify_all();
    if (fake_.down_) return Down();
    if (!state.joins.empty() && !context->IsCancelled()) {
      *response->mutable_batch() = state.joins.front();
      state.joins.pop_front();
    }
    return grpc::Status::OK;
  }

  // Notes a call about a batch, or in a worker's name, without the right
  // secret.
  void Expect(const std::string& name, const std::string& secret,
              const char* call) {
    if (secret == SecretOf(name)) return;
    fake_.state_.unproven.push_back(fmt::format("{} of {}", call, name));
  }

  static grpc::Status Down() {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "going down");
  }

  FakeServer& fake_;
};

class FakeServer::Artifacts : public v1::ArtifactService::Service {
 public:
  explicit Artifacts(FakeServer* fake) : fake_(*fake) {}

  grpc::Status UploadArtifact(
      grpc::ServerContext* context,
      grpc::ServerReader<v1::UploadArtifactRequest>* reader,
      v1::Artifact* response) override {
    std::string bytes;
    std::string expected;
    std::size_t largest = 0;
    v1::UploadArtifactRequest chunk;
    while (reader->Read(&chunk)) {
      if (bytes.empty()) expected = chunk.expected_name();
      bytes += chunk.data();
      largest = std::max(largest, chunk.data().size());
    }
    Lock lock(fake_.mutex_);
    ++fake_.state_.upload_count;
    ++fake_.state_.uploads_open;
    fake_.changed_.notify_all();
    while (fake_.state_.uploads_wait && !fake_.down_ &&
           !context->IsCancelled()) {
      fake_.changed_.wait_for(lock, kGlance);
    }
    --fake_.state_.uploads_open;
    if (fake_.state_.upload_error) return *fake_.state_.upload_error;
    response->set_name("artifacts/" + Sha256Hex(bytes));
    if (response->name() != expected) {
      return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "other bytes");
    }
    fake_.state_.artifacts[response->name()] = bytes;
    fake_.state_.chunk_bytes_largest =
        std::max(fake_.state_.chunk_bytes_largest, largest);
    fake_.changed_.notify_all();
    return grpc::Status::OK;
  }

 private:
  FakeServer& fake_;
};

std::map<std::string, v1::RunOutcome> FakeServerState::Outcomes() const {
  std::map<std::string, v1::RunOutcome> outcomes;
  for (const auto& finish : finishes) {
    for (const auto& outcome : finish.outcomes()) {
      outcomes.emplace(outcome.run(), outcome);
    }
  }
  return outcomes;
}

FakeServer::FakeServer() : address_(MakeAddress()) { Start(); }

FakeServer::~FakeServer() {
  Shutdown();
  unlink(address_.substr(5).c_str());
}

void FakeServer::Start() {
  {
    Lock lock(mutex_);
    down_ = false;
  }
  workers_ = std::make_unique<Workers>(this);
  artifacts_ = std::make_unique<Artifacts>(this);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterService(workers_.get());
  builder.RegisterService(artifacts_.get());
  server_ = builder.BuildAndStart();
}

void FakeServer::Shutdown() {
  {
    Lock lock(mutex_);
    down_ = true;
    changed_.notify_all();
  }
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeServer::With(const std::function<void(FakeServerState&)>& use) {
  Lock lock(mutex_);
  use(state_);
  changed_.notify_all();
}

bool FakeServer::WaitUntil(
    const std::function<bool(const FakeServerState&)>& holds,
    absl::Duration patience) {
  Lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                           [&] { return holds(state_); });
}

void FakeServer::AddBatch(const v1::LeasedBatch& batch) {
  With([&](FakeServerState& state) { state.batches.push_back(batch); });
}

void FakeServer::Signal(bool report_now, bool drain) {
  v1::WorkerSignal signal;
  signal.set_report_now(report_now);
  signal.set_drain(drain);
  With([&](FakeServerState& state) { state.signals.push_back(signal); });
}

bool FakeServer::WaitForOutcomes(int count) {
  return WaitUntil([count](const FakeServerState& state) {
    return static_cast<int>(state.Outcomes().size()) >= count;
  });
}

FakeServerState FakeServer::Snapshot() {
  Lock lock(mutex_);
  return state_;
}

}  // namespace sheaf::worker
