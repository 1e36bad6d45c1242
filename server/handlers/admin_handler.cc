#include "server/handlers/admin_handler.h"

#include <set>
#include <utility>

#include "base/log/log.h"
#include "base/status.h"
#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/offers.h"
#include "server/scheduling/workers.h"
#include "server/wire/admin_answers.h"
#include "server/wire/convert.h"
#include "server/wire/convert_catalog.h"
#include "server/wire/convert_memory.h"

namespace sheaf::server {
namespace {

absl::StatusOr<std::vector<Batch>> AllBatches(View& view) {
  return view.Batches(absl::InfiniteFuture());
}

}  // namespace

AdminHandler::AdminHandler(const Calls& calls, Parts parts)
    : calls_(calls), parts_(std::move(parts)) {}

AdminHandler::~AdminHandler() = default;

// Each device once, however often the worker names it.
void AdminHandler::FillWorker(const WorkerInfo& worker,
                              const std::vector<Batch>& batches,
                              int64_t* figure_bytes, pb::Worker* out) const {
  ToProto(worker, batches, out);
  std::set<std::string> devices;
  for (const DeviceInfo& device : worker.devices) {
    if (!device.name.empty()) devices.insert(IdentityOf(device));
  }
  for (const std::string& device : devices) {
    if (*figure_bytes <= 0) {
      out->set_memory_left_out(true);
      return;
    }

    for (const WorkFigures& figures : parts_.learned->Figures(device)) {
      pb::WorkMemory* memory = out->add_memory();
      ToProto(figures, memory);
      *figure_bytes -= static_cast<int64_t>(memory->ByteSizeLong());
      if (*figure_bytes > 0) continue;
      out->set_memory_left_out(true);
      return;
    }
  }
}

void AdminHandler::FillOneWorker(const WorkerInfo& worker,
                                 const std::vector<Batch>& batches,
                                 pb::Worker* out) const {
  int64_t figure_bytes = parts_.page_bytes_max;
  FillWorker(worker, batches, &figure_bytes, out);
}

void AdminHandler::FillWorkers(const std::vector<Batch>& batches,
                               pb::ListWorkersResponse* out) const {
  int64_t bytes = 0;
  int64_t figure_bytes = parts_.page_bytes_max / 2;
  for (const WorkerInfo& info : parts_.workers->List()) {
    pb::Worker* worker = out->add_workers();
    FillWorker(info, batches, &figure_bytes, worker);
    auto size = static_cast<int64_t>(worker->ByteSizeLong());
    if (bytes + size > parts_.page_bytes_max) {
      // The names of very many models would not fit one message.
      worker->set_models_left_out(worker->models_size());
      worker->clear_models();
      size = static_cast<int64_t>(worker->ByteSizeLong());
    }
    bytes += size;
  }
}

grpc::ServerUnaryReactor* AdminHandler::ListWorkers(
    grpc::CallbackServerContext* context, const pb::ListWorkersRequest* request,
    pb::ListWorkersResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(context, &AllBatches,
                       [this, response](const std::vector<Batch>& batches) {
                         FillWorkers(batches, response);
                       });
  });
}

grpc::ServerUnaryReactor* AdminHandler::GetCatalog(
    grpc::CallbackServerContext* context, const pb::GetCatalogRequest* request,
    pb::GetCatalogResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    ToProto(OfferedBy(parts_.workers->List(), *parts_.prices),
            parts_.page_bytes_max, response);
    return Calls::Done(context);
  });
}

grpc::ServerUnaryReactor* AdminHandler::DrainWorker(
    grpc::CallbackServerContext* context, const pb::DrainWorkerRequest* request,
    pb::Worker* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(WorkerInfo worker,
                           parts_.orders->Drain(request->name()));
    return calls_.Write(
        context,
        [name = worker.lessee.name](Tx& tx) { return NoteDraining(tx, name); },
        [this, worker, response](const std::vector<Batch>& batches) {
          FillOneWorker(worker, batches, response);
        });
  });
}

grpc::ServerUnaryReactor* AdminHandler::CalibrateWorker(
    grpc::CallbackServerContext* context,
    const pb::CalibrateWorkerRequest* request, pb::Worker* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(WorkerInfo worker,
                           parts_.orders->Calibrate(request->name()));
    return calls_.Read(
        context, &AllBatches,
        [this, worker, response](const std::vector<Batch>& batches) {
          FillOneWorker(worker, batches, response);
        });
  });
}

grpc::ServerUnaryReactor* AdminHandler::Backup(
    grpc::CallbackServerContext* context, const pb::BackupRequest* request,
    pb::BackupResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return Calls::Await<BackupInfo>(
        context,
        [&](auto done) { parts_.backups->Make(request->file_name(), done); },
        [response](const BackupInfo& backup) { ToProto(backup, response); });
  });
}

grpc::ServerUnaryReactor* AdminHandler::CheckIntegrity(
    grpc::CallbackServerContext* context,
    const pb::CheckIntegrityRequest* request,
    pb::CheckIntegrityResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return Calls::Await<std::vector<std::string>>(
        context,
        [&](auto done) {
          parts_.store->CheckIntegrity(request->full(), calls_.HasLeft(context),
                                       done);
        },
        [response](const auto& problems) { ToProto(problems, response); });
  });
}

grpc::ServerUnaryReactor* AdminHandler::GetServerInfo(
    grpc::CallbackServerContext* context,
    const pb::GetServerInfoRequest* request, pb::ServerInfo* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    ToProto(parts_.facts->State(), response);
    // Where reads get no answer, answers without one: the caller may be looking
    // for just that problem.
    if (!parts_.reads_work()) return Calls::Done(context);
    return calls_.Read(context, &ContentsOf,
                       [response](const StoreContents& contents) {
                         ToProto(contents, response);
                       });
  });
}

grpc::ServerUnaryReactor* AdminHandler::AcceptClock(
    grpc::CallbackServerContext* context, const pb::AcceptClockRequest* request,
    pb::AcceptClockResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller& caller) -> Begun {
    const absl::Duration step = parts_.accept_clock();
    Log(spdlog::level::warn, "clock", "an operator accepts the system clock",
        {{"ahead_by", absl::FormatDuration(step)},
         {"caller", caller.connection}});
    SetDuration(step, response->mutable_step());
    return Calls::Done(context);
  });
}

void AdminHandler::FillStats(const StatsFacts& facts, pb::Stats* out) const {
  ToProto(facts, out);
  SetTime(parts_.start_time, out->mutable_start_time());
  for (const auto& [key, value] : parts_.config) {
    pb::ConfigEntry* entry = out->add_config();
    entry->set_key(key);
    entry->set_value(value);
  }
}

grpc::ServerUnaryReactor* AdminHandler::GetStats(
    grpc::CallbackServerContext* context, const pb::GetStatsRequest* request,
    pb::Stats* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [stats = parts_.stats, queue = LastPart(request->queue()),
         window = FromProto(request->window())](View& view) {
          return stats->Read(view, queue, window);
        },
        [this, response](const StatsFacts& facts) {
          FillStats(facts, response);
        });
  });
}

}  // namespace sheaf::server
