#include "server/handlers/admin_handler.h"

#include <sys/statvfs.h>

#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "base/timer.h"
#include "base/version.h"
#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/lease_waiters.h"
#include "server/scheduling/workers.h"
#include "server/wire/convert.h"
#include "server/wire/convert_memory.h"

namespace sheaf::server {
namespace {

void ToProto(const WorkerInfo& worker, const std::vector<Batch>& batches,
             pb::Worker* out) {
  out->set_name(NameOf(worker.lessee.id));
  out->set_display_name(worker.lessee.name);
  for (const std::string& queue : worker.lessee.queues) {
    out->add_queues(absl::StrCat("queues/", queue));
  }
  for (const auto& kind : worker.lessee.kinds) out->add_kinds(kind);
  for (const auto& model : worker.lessee.models) out->add_models(model);
  for (const DeviceInfo& device : worker.devices) {
    pb::Device* theirs = out->add_devices();
    theirs->set_name(device.name);
    theirs->set_description(device.description);
    theirs->set_memory_bytes(device.memory_bytes);
  }
  out->set_batch_size_max(worker.lessee.batch_size_max);
  out->set_version(worker.version);
  SetTime(worker.register_time, out->mutable_register_time());
  SetTime(worker.heartbeat_time, out->mutable_heartbeat_time());
  out->set_succeeded_run_count(worker.succeeded);
  out->set_failed_run_count(worker.failed);
  SetDuration(worker.engine_time, out->mutable_engine_time());
  out->set_measures(worker.measures);
  for (const Batch& batch : batches) {
    if (batch.worker == worker.lessee.id) out->add_batches(NameOf(batch.id));
  }
  out->set_state(!worker.attached          ? pb::WORKER_STATE_LOST
                 : worker.draining         ? pb::WORKER_STATE_DRAINING
                 : out->batches_size() > 0 ? pb::WORKER_STATE_BUSY
                                           : pb::WORKER_STATE_IDLE);
}

absl::Status NoWorker(const std::string& name) {
  return WithSubject(
      Error(Reason::kWorkerNotFound, absl::StrCat("there is no ", name)), name);
}

std::string DefaultBackupName(absl::Time now) {
  return absl::FormatTime("sheaf-%Y%m%dT%H%M%E3SZ.db", now,
                          absl::UTCTimeZone());
}

// The time of the newest backup in the directory; infinite past if none.
absl::Time LastBackup(const std::string& directory) {
  absl::Time newest = absl::InfinitePast();
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() != ".sha256") continue;
    const auto written = entry.last_write_time(error);
    if (error) continue;
    newest = std::max(
        newest, absl::FromChrono(
                    std::chrono::time_point_cast<std::chrono::milliseconds>(
                        std::chrono::file_clock::to_sys(written))));
  }
  return newest;
}

}  // namespace

// Each device once, however often the worker names it.
void AdminHandler::FillWorker(const WorkerInfo& worker,
                              const std::vector<Batch>& batches,
                              int64_t* figure_bytes, pb::Worker* out) const {
  ToProto(worker, batches, out);
  std::set<std::string> devices;
  for (const DeviceInfo& device : worker.devices) {
    if (!device.name.empty()) devices.insert(device.name);
  }
  for (const std::string& device : devices) {
    if (*figure_bytes <= 0) {
      out->set_memory_left_out(true);
      return;
    }
    for (const WorkFigures& figures : options_.learned->Figures(device)) {
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
  int64_t figure_bytes = options_.page_bytes_max;
  FillWorker(worker, batches, &figure_bytes, out);
}

grpc::ServerUnaryReactor* AdminHandler::ListWorkers(
    grpc::CallbackServerContext* context, const pb::ListWorkersRequest* request,
    pb::ListWorkersResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [](View& view) -> absl::StatusOr<std::vector<Batch>> {
          return view.Batches(absl::InfiniteFuture());
        },
        [this, response](const std::vector<Batch>& batches) {
          int64_t bytes = 0;
          int64_t figure_bytes = options_.page_bytes_max / 2;
          for (const WorkerInfo& worker : options_.workers->List()) {
            pb::Worker* out = response->add_workers();
            FillWorker(worker, batches, &figure_bytes, out);
            bytes += static_cast<int64_t>(out->ByteSizeLong());
            if (bytes <= options_.page_bytes_max) continue;
            // The names of very many models would not fit one message.
            bytes -= static_cast<int64_t>(out->ByteSizeLong());
            out->set_models_left_out(out->models_size());
            out->clear_models();
            bytes += static_cast<int64_t>(out->ByteSizeLong());
          }
        });
  });
}

grpc::ServerUnaryReactor* AdminHandler::DrainWorker(
    grpc::CallbackServerContext* context, const pb::DrainWorkerRequest* request,
    pb::Worker* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    const WorkerId id = ParseWorkerName(request->name()).value_or(WorkerId{});
    if (!options_.workers->Drain(id)) {
      return NoWorker(request->name());
    }
    options_.lease_waiters->DropWorker(id);
    const WorkerInfo worker = options_.workers->Find(id).value_or(WorkerInfo{});
    return calls_.Write(
        context,
        [name =
             worker.lessee.name](Tx& tx) -> absl::StatusOr<std::vector<Batch>> {
          tx.AppendEvent({.type = EventType::kWorkerDraining, .worker = name});
          return tx.Batches(absl::InfiniteFuture());
        },
        [this, worker, response](const std::vector<Batch>& batches) {
          FillOneWorker(worker, batches, response);
        });
  });
}

grpc::ServerUnaryReactor* AdminHandler::CalibrateWorker(
    grpc::CallbackServerContext* context,
    const pb::CalibrateWorkerRequest* request, pb::Worker* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    const WorkerId id = ParseWorkerName(request->name()).value_or(WorkerId{});
    const auto worker = options_.workers->Find(id);
    if (!worker) return NoWorker(request->name());
    if (!worker->measures) {
      return Error(
          Reason::kInvalidField,
          absl::StrCat("name: ", request->name(),
                       " has nothing to measure, or does not know how"));
    }
    if (!options_.workers->Calibrate(id)) {
      return NoWorker(request->name());
    }
    // Ends the worker's wait for work: the answer tells it to calibrate.
    options_.lease_waiters->DropWorker(id);
    return calls_.Read(
        context,
        [](View& view) -> absl::StatusOr<std::vector<Batch>> {
          return view.Batches(absl::InfiniteFuture());
        },
        [this, worker = *worker, response](const std::vector<Batch>& batches) {
          FillOneWorker(worker, batches, response);
        });
  });
}

grpc::ServerUnaryReactor* AdminHandler::Backup(
    grpc::CallbackServerContext* context, const pb::BackupRequest* request,
    pb::BackupResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const std::string name = request->file_name().empty()
                                 ? DefaultBackupName(options_.now())
                                 : request->file_name();
    SHEAF_RETURN_IF_ERROR(options_.store->CheckBackupName(name));
    std::error_code error;
    std::filesystem::create_directories(options_.backup_directory, error);
    auto* reactor = context->DefaultReactor();
    options_.store->Backup(
        {absl::StrCat(options_.backup_directory, "/", name),
         options_.backups_max},
        [reactor, response](const absl::StatusOr<BackupInfo>& info) {
          if (info.ok()) {
            response->set_path(info->path);
            response->set_size_bytes(info->size_bytes);
            response->set_sha256(info->sha256);
            response->set_job_count(info->job_count);
            response->set_last_event_sequence(info->last_event_sequence);
          }
          reactor->Finish(ToGrpcStatus(info.status()));
        });
    return reactor;
  });
}

grpc::ServerUnaryReactor* AdminHandler::CheckIntegrity(
    grpc::CallbackServerContext* context,
    const pb::CheckIntegrityRequest* request,
    pb::CheckIntegrityResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    auto* reactor = context->DefaultReactor();
    options_.store->CheckIntegrity(
        request->full(),
        [this, context] {
          return calls_.door().is_closing() || context->IsCancelled();
        },
        [reactor,
         response](const absl::StatusOr<std::vector<std::string>>& problems) {
          if (problems.ok()) {
            response->set_ok(problems->empty());
            for (const auto& text : *problems) response->add_problems(text);
          }
          reactor->Finish(ToGrpcStatus(problems.status()));
        });
    return reactor;
  });
}

void AdminHandler::FillInfo(pb::ServerInfo* info) const {
  const StoreHealth health = options_.store->Health();
  const StoreInfo store = options_.store->Info();
  info->set_version(kVersion);
  SetTime(options_.start_time, info->mutable_start_time());
  SetTime(options_.now(), info->mutable_now());
  info->set_data_directory(options_.data_directory);
  info->set_schema_version(store.schema_version);
  info->set_sqlite_version(store.engine_version);
  info->set_database_bytes(store.database_bytes);
  info->set_wal_bytes(store.wal_bytes);
  struct statvfs disk;
  if (statvfs(options_.data_directory.c_str(), &disk) == 0) {
    info->set_disk_free_bytes(static_cast<int64_t>(disk.f_bavail) *
                              static_cast<int64_t>(disk.f_frsize));
  }
  info->set_writable(health.writable);
  info->set_boot_check(health.boot_check);
  if (!health.problem.empty()) info->add_problems(health.problem);
  for (const std::string& text : health.warnings) info->add_notes(text);
  for (const std::string& text : options_.notes()) info->add_notes(text);
  for (const std::string& text : options_.problems()) info->add_problems(text);
  SetDuration(options_.lease_duration, info->mutable_lease_duration());
  PutTime(LastBackup(options_.backup_directory), info,
          &pb::ServerInfo::mutable_last_backup_time);
}

grpc::ServerUnaryReactor* AdminHandler::GetServerInfo(
    grpc::CallbackServerContext* context,
    const pb::GetServerInfoRequest* request, pb::ServerInfo* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    // Where reads get no answer, answers without one: the caller may be looking
    // for just that problem.
    if (!options_.reads_work()) {
      FillInfo(response);
      return Calls::Done(context);
    }
    using Seen = std::pair<StoreCounts, int64_t>;
    return calls_.Read(
        context,
        [](View& view) -> absl::StatusOr<Seen> {
          return Seen(view.Counts(), view.LastSequence());
        },
        [this, response](const Seen& seen) {
          FillInfo(response);
          response->set_artifact_count(seen.first.artifacts);
          response->set_artifact_bytes(seen.first.artifact_bytes);
          response->set_last_event_sequence(seen.second);
        });
  });
}

grpc::ServerUnaryReactor* AdminHandler::AcceptClock(
    grpc::CallbackServerContext* context, const pb::AcceptClockRequest* request,
    pb::AcceptClockResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const absl::Duration step = options_.accept_clock();
    Log(spdlog::level::warn, "clock", "an operator accepts the system clock",
        {{"ahead_by", absl::FormatDuration(step)}});
    SetDuration(step, response->mutable_step());
    return Calls::Done(context);
  });
}

}  // namespace sheaf::server
