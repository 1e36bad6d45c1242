// The whole server: store, handlers, listeners, maintenance, put together and
// taken apart in order. main.cc makes one; tests make as many as they like.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/timer.h"
#include "queue/durable_store.h"
#include "queue/leasing/caretaker.h"
#include "server/admission/accept_loop.h"
#include "server/admission/byte_budget.h"
#include "server/admission/change_limit.h"
#include "server/admission/listeners.h"
#include "server/admission/stream_slots.h"
#include "server/blobs/artifact_budget.h"
#include "server/blobs/artifact_library.h"
#include "server/blobs/checkpoint_store.h"
#include "server/config/config.h"
#include "server/handlers/admin_handler.h"
#include "server/handlers/door.h"
#include "server/handlers/jobs_handler.h"
#include "server/handlers/ready_job.h"
#include "server/handlers/unknown_methods.h"
#include "server/handlers/worker_handler.h"
#include "server/liveness/vital_signs.h"
#include "server/process/local_workers.h"
#include "server/process/maintenance.h"
#include "server/process/observers.h"
#include "server/scheduling/arrivals.h"
#include "server/scheduling/auto_planner.h"
#include "server/scheduling/batches_under_way.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/memory_board.h"
#include "server/scheduling/plan_service.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/worker_places.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/previews.h"
#include "server/telemetry/progress.h"
#include "server/telemetry/queue_throughput.h"
#include "server/telemetry/stats_board.h"
#include "server/use_cases/backups.h"
#include "server/use_cases/batch_offers.h"
#include "server/use_cases/job_reader.h"
#include "server/use_cases/server_facts.h"
#include "server/use_cases/stats_reader.h"
#include "server/use_cases/worker_orders.h"
#include "server/use_cases/worker_reports.h"
#include "server/use_cases/worker_sessions.h"

namespace grpc {
class Server;
class Service;
namespace experimental {
class ExternalConnectionAcceptor;
}
}  // namespace grpc

namespace sheaf::server {

class Server {
 public:
  // Opens the store, recovers, and listens. Errors are in the words of an
  // operator.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerConfig& config);
  ~Server();  // stops, if Stop was not called

  // The addresses that clients may call: "127.0.0.1:7420", also where port 0
  // was asked for.
  const std::vector<std::string>& addresses() const {
    return sockets_->addresses();
  }

  // Local workers hand back what they hold, calls end, the store closes. Takes
  // at most a little more than the configuration's `drain_timeout`.
  void Stop();

 private:
  explicit Server(const ServerConfig& config);
  absl::Status Open();
  absl::Status OpenBatching(const batching::Profile& profile);
  void KeepLearned();
  absl::Status Recover();
  absl::Status Listen();
  int64_t PageBytesMax() const;
  JobsHandler::Parts PartsOfJobs();
  WorkerHandler::Parts PartsOfWorkers();
  AdminHandler::Parts PartsOfAdmin();
  Observing PartsOfObservers();
  void MakeUseCases();
  void MakeUseCasesOfWorkers();
  void MakeHandlers();
  void AcceptFrom(
      std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor);
  absl::Status StartLocalWorkers();
  void Heard(const Committed& committed);
  void WatchOver();
  std::vector<std::string> Problems();
  std::vector<std::string> Notes();

  const ServerConfig config_;
  const absl::Time start_time_;
  std::unique_ptr<ServerClock> clock_;
  std::atomic<ServerClock*> clock_in_use_ = nullptr;
  Timer timer_;
  WorkerRegistry workers_;
  ProgressBoard progress_;
  PreviewBoard previews_;
  QueueThroughput throughput_;
  StatsBoard stats_;
  ByteBudget submit_bytes_{128 << 20, 384 << 20};
  ChangeLimit changes_{config_.changes_per_second};
  std::atomic<bool> stopping_ = false;
  Door door_{&stopping_, &changes_};
  std::unique_ptr<DurableStore> store_;
  std::unique_ptr<EventHub> events_;
  std::unique_ptr<Caretaker> caretaker_;
  StreamSlots uploads_;
  StreamSlots downloads_;
  ArtifactBudget artifact_budget_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  StreamSlots saves_{{.what = "checkpoints"}};
  std::unique_ptr<ArtifactLibrary> artifacts_;  // after what its tasks use
  std::unique_ptr<PricesBoard> prices_;
  MemoryBoard memory_;
  std::unique_ptr<LearnedFigures> learned_;
  std::unique_ptr<BatchesUnderWay> under_way_;
  Arrivals arrivals_;
  std::unique_ptr<WorkerPlaces> places_;
  std::unique_ptr<LeasePlanner> planner_;
  std::unique_ptr<LeaseWaiters> lease_waiters_;
  std::unique_ptr<JobIntake> intake_;
  std::unique_ptr<PlanService> plan_service_;
  std::unique_ptr<AutoPlanner> auto_planner_;
  std::vector<CommitObserver> observers_;
  std::unique_ptr<JobReader> job_reader_;
  std::unique_ptr<WorkerOrders> worker_orders_;
  std::unique_ptr<Backups> backups_;
  std::unique_ptr<ServerFacts> facts_;
  std::unique_ptr<StatsReader> stats_reader_;
  std::unique_ptr<WorkerSessions> worker_sessions_;
  std::unique_ptr<BatchOffers> batch_offers_;
  std::unique_ptr<WorkerReports> worker_reports_;
  std::atomic<bool> open_ = false;
  std::atomic<int64_t> commits_ = 0;
  std::vector<std::unique_ptr<grpc::Service>> handlers_;
  UnknownMethods unknown_methods_;
  std::unique_ptr<grpc::Server> listener_;
  std::unique_ptr<Listeners> sockets_;
  std::unique_ptr<AcceptLoop> accept_loop_;
  std::unique_ptr<MaintenanceThread> maintenance_;
  std::unique_ptr<VitalSigns> vital_signs_;
  std::unique_ptr<LocalWorkers> local_workers_;
  // The same for calls, which come before it is there.
  std::atomic<const LocalWorkers*> local_workers_in_use_ = nullptr;
  bool stopped_ = false;
};

}  // namespace sheaf::server
