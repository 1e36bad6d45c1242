#include "server/process/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "queue/leasing/lease.h"
#include "queue/queues.h"
#include "server/config/device_profile.h"
#include "server/handlers/failure_log.h"
#include "server/process/data_directory.h"
#include "server/process/open_store.h"
#include "server/process/part_options.h"
#include "server/process/process.h"
#include "server/process/recovery.h"
#include "server/process/server_key.h"
#include "server/process/worker_environment.h"
#include "server/use_cases/run_checkpoints.h"
#include "server/wire/convert.h"
#include "server/wire/message_guard.h"
#include "spdlog/spdlog.h"

namespace sheaf::server {
namespace {

// An upload holds a file open, a download one piece in memory, twice.
constexpr int kUploadsMax = 64;
constexpr int kDownloadsMax = 256;
constexpr absl::Duration kDownloadYields = absl::Seconds(5);
constexpr absl::Duration kShutdownGrace = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerConfig& config) {
  std::unique_ptr<Server> server(new Server(config));
  SHEAF_RETURN_IF_ERROR(server->Open());
  SHEAF_RETURN_IF_ERROR(server->Recover());
  SHEAF_RETURN_IF_ERROR(server->Listen());
  SHEAF_RETURN_IF_ERROR(server->StartLocalWorkers());
  return server;
}

Server::Server(const ServerConfig& config)
    : config_(config),
      start_time_(absl::Now()),
      uploads_({.what = "uploads",
                .count_max = kUploadsMax,
                .silence_max = config.upload_silence_max}),
      downloads_({.what = "downloads",
                  .count_max = kDownloadsMax,
                  .silence_max = config.download_silence_max,
                  .yield_after = kDownloadYields}),
      artifact_budget_(config.artifact_total_bytes,
                       [dir = config.data_dir] { return SpaceAt(dir); }) {}

Server::~Server() { Stop(); }

absl::Status Server::Open() {
  SHEAF_RETURN_IF_ERROR(
      PrepareDataDirectory(config_.data_dir, [](const std::string& line) {
        Log(spdlog::level::warn, "server", line);
      }));
  SHEAF_ASSIGN_OR_RETURN(batching::Profile profile,
                         LoadDeviceProfile(config_.device_profile));
  StoreLinks links;
  // The clock needs the newest time in the store, and the store a clock.
  links.clock = [this] {
    ServerClock* clock = clock_in_use_.load();
    return clock != nullptr ? clock->Now() : absl::Now();
  };
  links.observer = [this](const Committed& committed) { Heard(committed); };
  links.log = [](const std::string& line) {
    Log(spdlog::level::warn, "store", line, {});
  };
  // Ends like a kill: nothing that was acknowledged is lost, and the next start
  // reads the log again.
  links.on_distrust = [](const std::string& line) {
    Log(spdlog::level::critical, "store", line, {});
    spdlog::default_logger()->flush();
    _exit(1);
  };
  SHEAF_ASSIGN_OR_RETURN(store_, OpenStore(config_, std::move(links)));
  caretaker_ = std::make_unique<Caretaker>(
      store_.get(),
      [](const std::string& line) { Log(spdlog::level::err, "upkeep", line); });
  clock_ = std::make_unique<ServerClock>(NewestTime(*store_));
  clock_in_use_ = clock_.get();

  ArtifactOptions artifact_options;
  artifact_options.bytes_max = config_.artifact_max_bytes;
  artifact_options.allow_other_types = config_.artifact_any_type;
  artifact_options.picture.pixels_max = config_.pixels_max;
  SHEAF_ASSIGN_OR_RETURN(
      auto files, ArtifactStore::Open(config_.data_dir, artifact_options));
  SHEAF_ASSIGN_OR_RETURN(
      artifacts_,
      ArtifactLibrary::Open(std::move(files), store_.get(), &artifact_budget_));
  uploads_.SweepBy(&timer_);
  downloads_.SweepBy(&timer_);
  SHEAF_ASSIGN_OR_RETURN(const std::string key,
                         LoadServerKey(config_.data_dir));
  SHEAF_ASSIGN_OR_RETURN(
      checkpoints_,
      CheckpointStore::Open(config_.data_dir,
                            {.bytes_max = config_.checkpoint_max_bytes,
                             .total_max = config_.checkpoint_total_bytes,
                             .key = key}));
  events_ = std::make_unique<EventHub>(store_.get());
  SHEAF_RETURN_IF_ERROR(OpenBatching(profile));
  saves_.SweepBy(&timer_);
  return absl::OkStatus();
}

absl::Status Server::OpenBatching(const batching::Profile& profile) {
  std::map<std::string, std::string> learned;
  SHEAF_RETURN_IF_ERROR(ReadAndWait(*store_, [&](View& view) {
    learned = view.Learned();
    return absl::OkStatus();
  }));
  prices_ = std::make_unique<PricesBoard>(profile);
  learned_ = std::make_unique<LearnedFigures>(prices_.get(), &memory_, learned);
  const auto models_of = [this](WorkerId id) { return workers_.ModelsOf(id); };
  under_way_ = std::make_unique<BatchesUnderWay>(prices_.get(), models_of);
  places_ = std::make_unique<WorkerPlaces>(WorkerPlaces::Parts{
      .taker = [this](WorkerId worker) { return workers_.Taker(worker); },
      .free_in =
          [this](WorkerId worker, absl::Time now) {
            return under_way_->FreeIn(worker, now);
          }});
  SHEAF_ASSIGN_OR_RETURN(LeasePlanner::Options options,
                         PlannerOptionsOf(config_));
  planner_ = std::make_unique<LeasePlanner>(
      std::move(options),
      LeasePlanner::Parts{.prices = prices_.get(),
                          .memory = &memory_,
                          .places = places_.get(),
                          .arrivals = &arrivals_,
                          .count_workers = [this] { return workers_.count(); },
                          .models_of = models_of});
  lease_waiters_ = std::make_unique<LeaseWaiters>(LeaseWaiters::Parts{
      .store = store_.get(),
      .timer = &timer_,
      .workers = &workers_,
      .places = places_.get(),
      .stats = &stats_,
      .policy = planner_.get(),
      .looked = [this](const LeaseNotes& notes,
                       absl::Time now) { planner_->Looked(notes, now); },
      .now = [this] { return clock_->Now(); },
      .lease_duration = config_.lease_duration});
  plan_service_ = std::make_unique<PlanService>(
      store_.get(), prices_.get(), &memory_, &workers_,
      [this] { return planner_->Turns(); });
  auto_planner_ =
      std::make_unique<AutoPlanner>(store_.get(), plan_service_.get());
  intake_ = std::make_unique<JobIntake>(
      &submit_bytes_, &workers_,
      SubmitLimits{.job_bytes_max = config_.job_bytes_max,
                   .owner_queued_max = config_.owner_queued_max},
      config_.pixels_max);
  observers_ = ObserversOf(PartsOfObservers());
  return absl::OkStatus();
}

void Server::KeepLearned() {
  auto changed = learned_->TakeChanged();
  if (changed.empty()) return;
  store_->Write(
      [changed = std::move(changed)](Tx& tx) {
        for (const auto& [name, value] : changed) tx.Learn(name, value);
        return absl::OkStatus();
      },
      [](const absl::Status&) {}, {.own = true});
}

// Workers may have gone on while we were away: they get their full time to
// come back.
absl::Status Server::Recover() {
  const auto first = ParseQueueSettings(config_.first_queue_settings);
  if (!first.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("first_queue_settings: ", first.status().message()));
  }
  SHEAF_RETURN_IF_ERROR(HandBackUnheld(*store_));
  int64_t sequence = 0;
  std::vector<Queue> queues;
  std::vector<Batch> batches;
  SHEAF_RETURN_IF_ERROR(WriteAndWait(*store_, [&](Tx& tx) {
    EnsureDefaultQueue(tx, *first);
    RenewLeases(tx, config_.lease_duration);
    sequence = tx.LastSequence();
    queues = tx.Queues();
    batches = tx.Batches(absl::InfiniteFuture());
    return absl::OkStatus();
  }));
  SHEAF_RETURN_IF_ERROR(SweepCheckpoints(*store_, *checkpoints_));
  events_->Start(sequence);
  stats_.Start(queues, batches, clock_->Now());
  progress_.Start(batches);
  under_way_->Start(batches);
  open_ = true;
  return absl::OkStatus();
}

absl::Status Server::Listen() {
  grpc::EnableDefaultHealthCheckService(true);
  SetMessageBytesMax(config_.max_message_bytes);
  if (config_.reflection) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  }
  store_->SweepBackups(config_.backup_dir);
  MakeHandlers();

  grpc::ServerBuilder builder;
  SetLimits(config_, &builder);
  SHEAF_ASSIGN_OR_RETURN(
      sockets_, Listeners::Open(config_.listen,
                                std::stoi(config_.socket_mode, nullptr, 8)));
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  std::vector<
      std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
      watchers;
  watchers.push_back(MakeFailureLog());
  builder.experimental().SetInterceptorCreators(std::move(watchers));
  for (auto& handler : handlers_) builder.RegisterService(handler.get());
  builder.RegisterCallbackGenericService(&unknown_methods_);
  listener_ = builder.BuildAndStart();
  if (listener_ == nullptr) {
    return absl::UnavailableError("gRPC does not start; see the log");
  }
  AcceptFrom(std::move(acceptor));
  MaintenanceOptions maintenance = MaintenanceOptionsOf(config_);
  maintenance.store = store_.get();
  maintenance.clock = clock_.get();
  maintenance.caretaker = caretaker_.get();
  maintenance.artifacts = artifacts_.get();
  maintenance.checkpoints = checkpoints_.get();
  maintenance.lease_duration = config_.lease_duration;
  maintenance.on_tick = [this] {
    KeepLearned();
    auto_planner_->Tick();
  };
  maintenance_ = std::make_unique<MaintenanceThread>(std::move(maintenance));
  WatchOver();
  accept_loop_->Start();
  return absl::OkStatus();
}

void Server::AcceptFrom(
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor) {
  using NewConnection =
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters;
  auto take = [shared = std::shared_ptr(std::move(acceptor))](int listening,
                                                              int fd) {
    NewConnection connection;
    connection.listener_fd = listening;
    connection.fd = fd;
    shared->HandleNewConnection(&connection);
  };
  accept_loop_ = std::make_unique<AcceptLoop>(
      sockets_->sockets(), ConnectionLimitsOf(config_), std::move(take));
}

absl::Status Server::StartLocalWorkers() {
  if (config_.local_workers == 0) return absl::OkStatus();
  LocalWorkersOptions options;
  options.count = config_.local_workers;
  options.command = config_.worker_command;
  options.server = addresses().front();
  options.args = config_.worker_args;
  options.environment = WorkerEnvironment(environ, config_.worker_environment);
  SHEAF_ASSIGN_OR_RETURN(local_workers_, LocalWorkers::Start(options));
  local_workers_in_use_ = local_workers_.get();
  return absl::OkStatus();
}

void Server::WatchOver() {
  VitalSigns::Parts parts;
  parts.store = store_.get();
  parts.lease_waiters = lease_waiters_.get();
  parts.now = [this] { return clock_->Now(); };
  parts.accept_loop = accept_loop_.get();
  parts.address = addresses().front();
  parts.commits = [this] { return commits_.load(); };
  parts.upkeep_problem = [this] { return maintenance_->Problem(); };
  parts.may_serve = [this] { return !stopping_ && store_->Health().writable; };
  parts.set_serving = [this](bool serving) {
    listener_->GetHealthCheckService()->SetServingStatus(serving);
  };
  vital_signs_ =
      std::make_unique<VitalSigns>(std::move(parts), ServiceManager());
  vital_signs_->Start();
}

void Server::Heard(const Committed& committed) {
  ++commits_;
  if (!open_) return;
  const absl::Time now = clock_->Now();
  for (const CommitObserver& observe : observers_) observe(committed, now);
}

std::vector<std::string> Server::Problems() {
  std::vector<std::string> problems;
  if (std::string clock = clock_->Problem(); !clock.empty()) {
    problems.push_back(std::move(clock));
  }
  for (std::string& text : caretaker_->Problems()) {
    problems.push_back(std::move(text));
  }
  if (vital_signs_) {
    for (std::string& text : vital_signs_->Problems()) {
      problems.push_back(std::move(text));
    }
  }
  if (const LocalWorkers* workers = local_workers_in_use_) {
    for (std::string& text : workers->Problems()) {
      problems.push_back(std::move(text));
    }
  }
  return problems;
}

std::vector<std::string> Server::Notes() {
  std::vector<std::string> notes;
  if (std::string note = clock_->Note(); !note.empty()) {
    notes.push_back(std::move(note));
  }
  if (accept_loop_) {
    if (std::string note = accept_loop_->Note(); !note.empty()) {
      notes.push_back(std::move(note));
    }
  }
  return notes;
}

void Server::Stop() {
  if (stopped_) return;
  stopped_ = true;
  // Stops local workers while calls still work, so that they can hand back
  // their batches.
  if (local_workers_) local_workers_->Stop(config_.drain_timeout);
  stopping_ = true;
  if (vital_signs_) vital_signs_->Stop();
  if (maintenance_) maintenance_->Stop();
  if (plan_service_) plan_service_->Stop();
  if (listener_) {
    listener_->GetHealthCheckService()->SetServingStatus(false);
    lease_waiters_->Stop();
    workers_.GoodbyeToAll();
    if (accept_loop_) accept_loop_->Stop();
    sockets_->Close();
    listener_->Shutdown(absl::ToChronoTime(absl::Now() + kShutdownGrace));
    listener_->Wait();
  }
  // No call is left; work under way in the store finishes with the store.
  timer_.Stop();
  if (learned_) KeepLearned();
  open_ = false;
  store_.reset();
  listener_.reset();
}

}  // namespace sheaf::server
