// AdminService on the wire.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "queue/durable_store.h"
#include "queue/types.h"
#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/lease_planner.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/prices_board.h"
#include "server/scheduling/workers.h"
#include "server/telemetry/stats_board.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/admin_service.grpc.pb.h"

namespace sheaf::server {

// The parts that operators' calls work with; all of them outlive the handler.
struct AdminOptions {
  DurableStore* store = nullptr;
  WorkerRegistry* workers = nullptr;
  LeaseWaiters* lease_waiters = nullptr;
  const PricesBoard* prices = nullptr;
  const LearnedFigures* learned = nullptr;
  StatsBoard* stats = nullptr;
  const LeasePlanner* planner = nullptr;
  std::function<absl::Time()> now;
  absl::Duration lease_duration;
  int64_t page_bytes_max = 0;  // of one answer that is a list
  std::string data_directory;
  std::string backup_directory;
  int backups_max = 0;  // 0: any number
  absl::Time start_time;
  // Key and value of the configuration in effect.
  std::vector<std::pair<std::string, std::string>> config;
  // Problems outside the store: a clock that stepped back, ...
  std::function<std::vector<std::string>()> problems;
  // Called when the operator vouches for the system's clock; answers by how
  // much it is ahead.
  std::function<absl::Duration()> accept_clock;
  // False where reads get no answer.
  std::function<bool()> reads_work;
  // Facts that an operator may want to know, and need not mend.
  std::function<std::vector<std::string>()> notes;
};

class AdminHandler final : public sheaf::v1::AdminService::CallbackService {
 public:
  AdminHandler(const Calls& calls, AdminOptions options)
      : calls_(calls), options_(std::move(options)) {}

  grpc::ServerUnaryReactor* ListWorkers(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListWorkersRequest* request,
      sheaf::v1::ListWorkersResponse* response) override;
  grpc::ServerUnaryReactor* DrainWorker(
      grpc::CallbackServerContext* context,
      const sheaf::v1::DrainWorkerRequest* request,
      sheaf::v1::Worker* response) override;
  grpc::ServerUnaryReactor* CalibrateWorker(
      grpc::CallbackServerContext* context,
      const sheaf::v1::CalibrateWorkerRequest* request,
      sheaf::v1::Worker* response) override;
  grpc::ServerUnaryReactor* Backup(
      grpc::CallbackServerContext* context,
      const sheaf::v1::BackupRequest* request,
      sheaf::v1::BackupResponse* response) override;
  grpc::ServerUnaryReactor* CheckIntegrity(
      grpc::CallbackServerContext* context,
      const sheaf::v1::CheckIntegrityRequest* request,
      sheaf::v1::CheckIntegrityResponse* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(
      grpc::CallbackServerContext* context,
      const sheaf::v1::GetServerInfoRequest* request,
      sheaf::v1::ServerInfo* response) override;
  grpc::ServerUnaryReactor* AcceptClock(
      grpc::CallbackServerContext* context,
      const sheaf::v1::AcceptClockRequest* request,
      sheaf::v1::AcceptClockResponse* response) override;
  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context,
                                     const sheaf::v1::GetStatsRequest* request,
                                     sheaf::v1::Stats* response) override;

 private:
  // Adds figures of its devices as long as `figure_bytes` last.
  void FillWorker(const WorkerInfo& worker, const std::vector<Batch>& batches,
                  int64_t* figure_bytes, sheaf::v1::Worker* out) const;
  void FillOneWorker(const WorkerInfo& worker,
                     const std::vector<Batch>& batches,
                     sheaf::v1::Worker* out) const;
  void FillInfo(sheaf::v1::ServerInfo* info) const;

  const Calls calls_;
  const AdminOptions options_;
};

}  // namespace sheaf::server
