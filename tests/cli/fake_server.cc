#include "tests/cli/fake_server.h"

#include <grpcpp/grpcpp.h>

#include <map>
#include <mutex>

#include "absl/time/clock.h"
#include "base/sha256.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "sheaf/v1/admin_service.grpc.pb.h"
#include "sheaf/v1/artifact_service.grpc.pb.h"
#include "sheaf/v1/job_service.grpc.pb.h"
#include "tests/cli/fake_batching.h"
#include "tests/cli/fake_queues.h"

namespace sheaf::cli {
namespace {

using grpc::ServerContext;
using grpc::Status;

Status NoSuchJob(const std::string& name) {
  google::rpc::Status details;
  details.set_code(grpc::StatusCode::NOT_FOUND);
  google::rpc::ErrorInfo info;
  info.set_reason("JOB_NOT_FOUND");
  details.add_details()->PackFrom(info);
  return Status(grpc::StatusCode::NOT_FOUND, "there is no " + name,
                details.SerializeAsString());
}

}  // namespace

struct FakeServer::State : public v1::JobService::Service {
  std::mutex mutex;
  v1::Job job;
  v1::JobState outcome = v1::JOB_STATE_SUCCEEDED;
  bool finished = false;
  int get_job_failures = 0;
  int get_job_calls = 0;
  v1::SubmitJobRequest submit;
  v1::CancelJobRequest cancel;
  v1::UpdateJobRequest job_update;
  std::map<std::string, std::string> artifacts;
  std::vector<std::string> uploads;
  std::vector<v1::Output> outputs;
  bool corrupt = false;
  v1::GetStatsRequest stats_request;
  int stats_left = -1;  // no limit
  std::vector<std::string> measured;
  std::vector<v1::Worker> workers;
  std::vector<v1::Event> events;
  std::vector<v1::Run> runs;
  std::vector<std::string> jobs = {"jobs/0", "jobs/1", "jobs/2", "jobs/3",
                                   "jobs/4"};
  std::string authorization;
  FakeBatching batching;
  FakeQueues queues;
  std::unique_ptr<grpc::Server> server;

  v1::Job Present() {
    v1::Job present = job;
    present.set_state(finished ? outcome : v1::JOB_STATE_RUNNING);
    auto* counts = present.mutable_run_counts();
    if (!finished) {
      counts->set_running(1);
    } else if (outcome == v1::JOB_STATE_FAILED) {
      counts->set_failed(1);
      present.set_success_ratio(0);
    } else {
      counts->set_succeeded(1);
      present.set_success_ratio(1);
    }
    return present;
  }

  Status SubmitJob(ServerContext* context, const v1::SubmitJobRequest* request,
                   v1::SubmitJobResponse* response) override {
    const std::lock_guard lock(mutex);
    submit = *request;
    const auto& metadata = context->client_metadata();
    const auto token = metadata.find("authorization");
    if (token != metadata.end()) {
      authorization = {token->second.data(), token->second.size()};
    }
    job.set_name("jobs/42");
    job.set_queue(request->job().queue());
    job.set_run_count(1);
    *response->mutable_job() = job;
    return Status::OK;
  }

  Status GetJob(ServerContext*, const v1::GetJobRequest* request,
                v1::Job* response) override {
    const std::lock_guard lock(mutex);
    ++get_job_calls;
    if (get_job_failures > 0) {
      --get_job_failures;
      return Status(grpc::StatusCode::UNAVAILABLE, "starting");
    }
    if (request->name() != "jobs/42") return NoSuchJob(request->name());
    *response = Present();
    for (const v1::Run& run : runs) *response->add_runs() = run;
    return Status::OK;
  }

  Status WaitJob(ServerContext*, const v1::WaitJobRequest* request,
                 v1::Job* response) override {
    const std::lock_guard lock(mutex);
    if (request->name() != "jobs/42") return NoSuchJob(request->name());
    finished = request->timeout().seconds() > 0;
    *response = Present();
    return Status::OK;
  }

  Status ListJobs(ServerContext*, const v1::ListJobsRequest* request,
                  v1::ListJobsResponse* response) override {
    // Two a page at most.
    const std::lock_guard lock(mutex);
    const int count = static_cast<int>(jobs.size());
    const int begin =
        request->page_token().empty() ? 0 : std::stoi(request->page_token());
    const int size = std::min(2, request->page_size());
    for (int i = begin; i < std::min(count, begin + size); ++i) {
      response->add_jobs()->set_name(jobs[i]);
    }
    if (begin + size < count) {
      response->set_next_page_token(std::to_string(begin + size));
    }
    return Status::OK;
  }

  Status ListRuns(ServerContext*, const v1::ListRunsRequest*,
                  v1::ListRunsResponse* response) override {
    const std::lock_guard lock(mutex);
    v1::Run* run = response->add_runs();
    run->set_name("jobs/42/runs/0");
    for (const v1::Output& output : outputs) *run->add_outputs() = output;
    return Status::OK;
  }

  Status CancelJob(ServerContext*, const v1::CancelJobRequest* request,
                   v1::CancelJobResponse* response) override {
    const std::lock_guard lock(mutex);
    cancel = *request;
    response->set_job_count(3);
    return Status::OK;
  }

  Status UpdateJob(ServerContext*, const v1::UpdateJobRequest* request,
                   v1::Job* response) override {
    const std::lock_guard lock(mutex);
    job_update = *request;
    *response = request->job();
    return Status::OK;
  }

  // A progress report, an event, a break; the rest after the reconnect.
  Status WatchEvents(
      ServerContext* context, const v1::WatchEventsRequest* request,
      grpc::ServerWriter<v1::WatchEventsResponse>* writer) override {
    v1::WatchEventsResponse message;
    if (!events.empty()) {
      for (const v1::Event& event : events) {
        if (event.sequence() <= request->after_sequence()) continue;
        *message.mutable_event() = event;
        writer->Write(message);
      }
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
      return Status::CANCELLED;
    }
    if (request->after_sequence() < 8) {
      auto* progress = message.mutable_progress();
      progress->set_run("jobs/42/runs/0");
      progress->mutable_progress()->set_step(1);
      progress->mutable_progress()->set_step_count(2);
      v1::BatchProgress* batch = progress->mutable_progress()->mutable_batch();
      batch->set_name("batches/9");
      batch->set_running_run_count(1);
      batch->set_memory_bytes(int64_t{5} << 20);
      writer->Write(message);
      message.mutable_event()->set_sequence(8);
      message.mutable_event()->set_type(v1::EVENT_TYPE_RUNS_STARTED);
      message.mutable_event()->set_job("jobs/42");
      writer->Write(message);
      return Status(grpc::StatusCode::UNAVAILABLE, "restarting");
    }
    {
      const std::lock_guard lock(mutex);
      finished = true;
      message.mutable_event()->set_sequence(9);
      message.mutable_event()->set_type(v1::EVENT_TYPE_RUNS_CHANGED);
      auto* end = message.mutable_event()->add_ended_jobs();
      end->set_job("jobs/42");
      end->set_state(outcome);
    }
    writer->Write(message);
    return Status::OK;
  }

  struct Admin : public v1::AdminService::Service {
    State* state = nullptr;
    // Two models, one of which nobody describes.
    Status GetCatalog(ServerContext*, const v1::GetCatalogRequest*,
                      v1::GetCatalogResponse* response) override {
      v1::OfferedModel* known = response->add_models();
      v1::CatalogModel* model = known->mutable_model();
      model->set_name("shapes");
      model->set_is_default(true);
      model->mutable_defaults()->set_width(64);
      model->mutable_defaults()->set_height(64);
      model->set_batching(v1::BATCH_CAPABILITY_ONE_BY_ONE);
      model->add_controls("edge");
      model->add_controls("seg");
      known->add_workers("workers/3");
      response->add_models()->mutable_model()->set_name("unknown");
      response->add_samplers("Euler a");
      response->set_models_left_out(5);
      return Status::OK;
    }
    // Two queues at work, one worker.
    Status GetStats(ServerContext*, const v1::GetStatsRequest* request,
                    v1::Stats* response) override {
      const std::lock_guard lock(state->mutex);
      state->stats_request = *request;
      if (state->stats_left-- == 0) {
        return Status(grpc::StatusCode::INTERNAL, "enough");
      }
      response->mutable_window()->set_seconds(90);
      for (const char* name : {"queues/default", "queues/night"}) {
        v1::QueueStats* queue = response->add_queues();
        queue->set_name(name);
        queue->set_queued_run_count(17);
        v1::QueueWindow* window = queue->mutable_window();
        window->set_runs_per_second(2.0 / 3);
        window->set_batch_fill(0.754);
        window->mutable_wait()->mutable_mean()->set_seconds(47);
        window->mutable_wait()->mutable_p95()->set_seconds(62);
        v1::WorkTotals* totals = queue->mutable_since_start();
        totals->set_batch_count(1234);
        totals->set_batched_run_count(5678);
        totals->mutable_wait()->mutable_sum()->set_seconds(7260);
        totals->mutable_generation()->mutable_sum()->set_seconds(3605);
      }
      response->mutable_total()->set_queued_run_count(34);
      v1::WorkerStats* worker = response->add_workers();
      worker->set_name("workers/3");
      worker->mutable_work()->set_busy_ratio(0.5);
      worker->mutable_work()->set_running_run_count(6);
      worker->mutable_work()->add_batches("batches/9");
      v1::ConfigEntry* entry = response->add_config();
      entry->set_key("group_max");
      entry->set_value("512");
      return Status::OK;
    }
    Status GetServerInfo(ServerContext*, const v1::GetServerInfoRequest*,
                         v1::ServerInfo* response) override {
      response->set_version("9.9.9");
      const auto& events = state->events;
      response->set_last_event_sequence(
          events.empty() ? 7 : events.back().sequence());
      response->set_disk_free_bytes(int64_t{100} << 30);
      return Status::OK;
    }
    Status ListWorkers(ServerContext*, const v1::ListWorkersRequest*,
                       v1::ListWorkersResponse* response) override {
      const std::lock_guard lock(state->mutex);
      for (const v1::Worker& worker : state->workers) {
        *response->add_workers() = worker;
      }
      return Status::OK;
    }
    Status CalibrateWorker(ServerContext*,
                           const v1::CalibrateWorkerRequest* request,
                           v1::Worker* response) override {
      const std::lock_guard lock(state->mutex);
      state->measured.push_back(request->name());
      response->set_name(request->name());
      return Status::OK;
    }
  } admin;

  struct Artifacts : public v1::ArtifactService::Service {
    State* state = nullptr;
    Status UploadArtifact(ServerContext*,
                          grpc::ServerReader<v1::UploadArtifactRequest>* reader,
                          v1::Artifact* response) override {
      std::string bytes;
      v1::UploadArtifactRequest request;
      while (reader->Read(&request)) bytes += request.data();
      const std::lock_guard lock(state->mutex);
      response->set_name("artifacts/" + Sha256Hex(bytes));
      state->artifacts[response->name()] = bytes;
      state->uploads.push_back(bytes);
      return Status::OK;
    }
    Status DownloadArtifact(
        ServerContext*, const v1::DownloadArtifactRequest* request,
        grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) override {
      const std::lock_guard lock(state->mutex);
      const auto found = state->artifacts.find(request->name());
      if (found == state->artifacts.end()) return NoSuchJob(request->name());
      v1::DownloadArtifactResponse response;
      response.mutable_artifact()->set_name(request->name());
      writer->Write(response);
      response.Clear();
      response.set_data(found->second + (state->corrupt ? "x" : ""));
      writer->Write(response);
      return Status::OK;
    }
  } artifact_service;
};

FakeServer::FakeServer() : state_(std::make_unique<State>()) {
  state_->admin.state = state_.get();
  state_->artifact_service.state = state_.get();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(state_.get());
  builder.RegisterService(&state_->queues);
  builder.RegisterService(&state_->admin);
  builder.RegisterService(&state_->artifact_service);
  builder.RegisterService(&state_->batching);
  state_->server = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

FakeServer::~FakeServer() {
  state_->server->Shutdown();
  // Stop the server before the services that it points to.
  state_->server.reset();
}

FakeBatching& FakeServer::batching() { return state_->batching; }

FakeQueues& FakeServer::queues() { return state_->queues; }

void FakeServer::SetOutcome(v1::JobState outcome) {
  const std::lock_guard lock(state_->mutex);
  state_->outcome = outcome;
}

void FakeServer::FailGetJob(int count) {
  const std::lock_guard lock(state_->mutex);
  state_->get_job_failures = count;
}

std::string FakeServer::PutArtifact(const std::string& bytes) {
  const std::lock_guard lock(state_->mutex);
  const std::string name = "artifacts/" + Sha256Hex(bytes);
  state_->artifacts[name] = bytes;
  return name;
}

void FakeServer::SetOutputs(const std::vector<v1::Output>& outputs) {
  const std::lock_guard lock(state_->mutex);
  state_->outputs = outputs;
}

void FakeServer::SetWorkers(const std::vector<v1::Worker>& workers) {
  const std::lock_guard lock(state_->mutex);
  state_->workers = workers;
}

void FakeServer::SetEvents(const std::vector<v1::Event>& events) {
  const std::lock_guard lock(state_->mutex);
  state_->events = events;
}

void FakeServer::SetJobs(const std::vector<std::string>& names) {
  const std::lock_guard lock(state_->mutex);
  state_->jobs = names;
}

void FakeServer::SetRuns(const std::vector<v1::Run>& runs) {
  const std::lock_guard lock(state_->mutex);
  state_->runs = runs;
}

void FakeServer::CorruptArtifacts() {
  const std::lock_guard lock(state_->mutex);
  state_->corrupt = true;
}

v1::SubmitJobRequest FakeServer::last_submit() const {
  const std::lock_guard lock(state_->mutex);
  return state_->submit;
}

v1::CancelJobRequest FakeServer::last_cancel() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cancel;
}

v1::UpdateQueueRequest FakeServer::last_queue_update() const {
  return state_->queues.last_update();
}

v1::UpdateJobRequest FakeServer::last_job_update() const {
  const std::lock_guard lock(state_->mutex);
  return state_->job_update;
}

int FakeServer::get_job_calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->get_job_calls;
}

v1::GetStatsRequest FakeServer::last_stats() const {
  const std::lock_guard lock(state_->mutex);
  return state_->stats_request;
}

std::vector<std::string> FakeServer::measured_workers() const {
  const std::lock_guard lock(state_->mutex);
  return state_->measured;
}

void FakeServer::LimitStats(int count) {
  const std::lock_guard lock(state_->mutex);
  state_->stats_left = count;
}

std::vector<std::string> FakeServer::uploads() const {
  const std::lock_guard lock(state_->mutex);
  return state_->uploads;
}

std::string FakeServer::last_authorization() const {
  const std::lock_guard lock(state_->mutex);
  return state_->authorization;
}

}  // namespace sheaf::cli
