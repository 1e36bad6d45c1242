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
#include "server/scheduling/workers.h"
#include "server/use_cases/backups.h"
#include "server/use_cases/server_facts.h"
#include "server/use_cases/stats_reader.h"
#include "server/use_cases/worker_orders.h"
#include "server/wire/guarded_messages.h"
#include "sheaf/v1/admin_service.grpc.pb.h"

namespace sheaf::server {

class AdminHandler final : public sheaf::v1::AdminService::CallbackService {
 public:
  // The parts that it works with; all of them outlive the handler.
  struct Parts {
    DurableStore* store = nullptr;  // is checked
    const WorkerRegistry* workers = nullptr;
    const PricesBoard* prices = nullptr;
    const LearnedFigures* learned = nullptr;  // of workers' devices
    const WorkerOrders* orders = nullptr;
    const Backups* backups = nullptr;
    const ServerFacts* facts = nullptr;
    const StatsReader* stats = nullptr;
    int64_t page_bytes_max = 0;  // of one answer that is a list
    absl::Time start_time;
    // Key and value of the configuration in effect.
    std::vector<std::pair<std::string, std::string>> config;
    // Called when the operator vouches for the system's clock; answers by how
    // much it is ahead.
    std::function<absl::Duration()> accept_clock;
    // False where reads get no answer.
    std::function<bool()> reads_work;
  };
  AdminHandler(const Calls& calls, Parts parts);
  ~AdminHandler() override;

  grpc::ServerUnaryReactor* ListWorkers(
      grpc::CallbackServerContext* context,
      const sheaf::v1::ListWorkersRequest* request,
      sheaf::v1::ListWorkersResponse* response) override;
  grpc::ServerUnaryReactor* GetCatalog(
      grpc::CallbackServerContext* context,
      const sheaf::v1::GetCatalogRequest* request,
      sheaf::v1::GetCatalogResponse* response) override;
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
  void FillWorkers(const std::vector<Batch>& batches,
                   sheaf::v1::ListWorkersResponse* out) const;
  void FillStats(const StatsFacts& facts, sheaf::v1::Stats* out) const;

  const Calls calls_;
  const Parts parts_;
};

}  // namespace sheaf::server
