#include "server/wire/admin_answers.h"

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "server/wire/convert.h"
#include "server/wire/convert_memory.h"
#include "server/wire/convert_stats.h"

namespace sheaf::server {
namespace {

pb::WorkerState StateOf(const WorkerInfo& worker, bool is_busy) {
  if (!worker.attached) return pb::WORKER_STATE_LOST;
  if (worker.draining) return pb::WORKER_STATE_DRAINING;
  return is_busy ? pb::WORKER_STATE_BUSY : pb::WORKER_STATE_IDLE;
}

}  // namespace

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
    theirs->set_driver(device.driver);
    theirs->set_build(device.build);
    theirs->set_host(device.host);
    theirs->set_identity(IdentityOf(device));
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
  out->set_state(StateOf(worker, out->batches_size() > 0));
}

void ToProto(const BackupInfo& backup, pb::BackupResponse* out) {
  out->set_path(backup.path);
  out->set_size_bytes(backup.size_bytes);
  out->set_sha256(backup.sha256);
  out->set_job_count(backup.job_count);
  out->set_last_event_sequence(backup.last_event_sequence);
}

void ToProto(const std::vector<std::string>& problems,
             pb::CheckIntegrityResponse* out) {
  out->set_ok(problems.empty());
  for (const std::string& text : problems) out->add_problems(text);
}

void ToProto(const ServerState& state, pb::ServerInfo* out) {
  out->set_version(kVersion);
  SetTime(state.start_time, out->mutable_start_time());
  SetTime(state.now, out->mutable_now());
  out->set_data_directory(state.data_directory);
  out->set_schema_version(state.store.schema_version);
  out->set_sqlite_version(state.store.engine_version);
  out->set_database_bytes(state.store.database_bytes);
  out->set_wal_bytes(state.store.wal_bytes);
  if (state.disk_free_bytes) out->set_disk_free_bytes(*state.disk_free_bytes);
  out->set_writable(state.writable);
  out->set_boot_check(state.boot_check);
  for (const std::string& text : state.problems) out->add_problems(text);
  for (const std::string& text : state.notes) out->add_notes(text);
  SetDuration(state.lease_duration, out->mutable_lease_duration());
  PutTime(state.last_backup_time, out,
          &pb::ServerInfo::mutable_last_backup_time);
}

void ToProto(const StoreContents& contents, pb::ServerInfo* out) {
  out->set_artifact_count(contents.counts.artifacts);
  out->set_artifact_bytes(contents.counts.artifact_bytes);
  out->set_last_event_sequence(contents.last_sequence);
}

void ToProto(const StatsFacts& facts, pb::Stats* out) {
  ToProto(StatsParts{facts.recalled, facts.queues, facts.batches, facts.workers,
                     facts.now},
          facts.queue, out);
  out->set_knee(facts.knee);
  for (const WorkFigures& figures : facts.figures) {
    ToProto(figures, out->add_memory());
  }
  for (const OwnerCounts& counts : facts.owners) {
    pb::OwnerStats* owner = out->add_owners();
    owner->set_owner(counts.owner);
    owner->set_queued_run_count(counts.queued);
    owner->set_running_run_count(counts.running);
    const auto known = facts.given.find(counts.owner);
    SetDuration(
        known == facts.given.end() ? absl::ZeroDuration() : known->second,
        owner->mutable_predicted_time());
  }
}

}  // namespace sheaf::server
