// Values with defaults, so that a test writes only those that matter to it.
#pragma once

#include <string>
#include <vector>

#include "queue/leasing/finish.h"
#include "queue/leasing/lease.h"
#include "queue/leasing/lease_ends.h"
#include "queue/leasing/maintain.h"
#include "queue/queue_settings.h"
#include "queue/submit.h"

namespace sheaf {

inline constexpr absl::Duration kLease = absl::Seconds(30);

// The secret of every lease, unless a test says otherwise.
inline constexpr char kSecret[] = "sixteen bytes or";

// `count` runs that differ by their prompts.
inline std::vector<RunParams> Runs(int count) {
  std::vector<RunParams> runs(count);
  for (int i = 0; i < count; ++i) {
    runs[i].prompt = "hut number " + std::to_string(i);
  }
  return runs;
}

// A job ready to be submitted; the form of `job` must be right.
inline PreparedJob MakeJob(NewJob job = {}) {
  return Prepare(std::move(job), /*entropy=*/1).value();
}

inline Lessee MakeWorker(Lessee worker = {}) {
  if (!worker.id) worker.id = WorkerId{1};
  if (worker.name.empty()) worker.name = "w" + std::to_string(worker.id.value);
  if (worker.new_secret.empty()) worker.new_secret = kSecret;
  if (worker.beside && worker.beside_secret.empty()) {
    worker.beside_secret = kSecret;
  }
  return worker;
}

// Every run of `leased` ended by `outcome`.
inline FinishReport MakeReport(const Leased& leased, const Outcome& outcome) {
  FinishReport report{ClaimOf(leased.batch), {}};
  for (const LeasedRun& leased_run : leased.runs) {
    const Run& run = leased_run.run;
    report.outcomes.push_back({run.id, run.attempt, outcome});
  }
  return report;
}

inline RunError MakeError(ErrorClass error_class) {
  return {error_class, "it went wrong"};
}

// Does in one write what the caretaker does in many.
inline bool Maintain(Tx& tx, const Maintenance& maintenance) {
  const DueList due = FindDue(tx, maintenance);
  for (const Due& each : due.items) Settle(tx, each, maintenance);
  return due.more;
}

inline void ExpireLeases(Tx& tx) {
  for (const LeaseKey& lease : tx.Leases(tx.now())) {
    EndLease(tx, lease.batch, LeaseEnd::kExpired);
  }
}

inline void EndLeasesOf(Tx& tx, WorkerId worker, LeaseEnd how) {
  for (const LeaseKey& lease : tx.Leases(absl::InfiniteFuture())) {
    if (lease.worker == worker) EndLease(tx, lease.batch, how);
  }
}

// A change of those settings that are not the defaults in `changes`.
inline QueuePatch PatchOf(const QueueSettings& changes) {
  QueuePatch patch;
  ForEachQueueSetting([&](const auto& setting) {
    const auto& value = changes.*setting.member;
    if (value != QueueSettings().*setting.member) {
      patch.Set(setting.member, value);
    }
  });
  return patch;
}
// A change of one setting, the default included.
template <class T>
QueuePatch PatchOf(T QueueSettings::*member,
                   const std::type_identity_t<T>& value) {
  QueuePatch patch;
  patch.Set(member, value);
  return patch;
}

// For tests below the use cases: describes rows that a use case would write.
struct RowSpec {
  std::string queue = "default";
  int runs = 1;
  Priority priority = Priority::kNormal;
  std::string owner = "ann";
  std::string request_id;
  std::map<std::string, std::string> labels;
  std::string model;
  std::string shared = "{}";
  std::vector<std::string> own;
  std::optional<absl::Time> run_time;
  absl::Time start_deadline = absl::InfiniteFuture();
};

inline Job InsertRow(Tx& tx, const RowSpec& spec = {}) {
  Job job;
  job.queue = spec.queue;
  job.kind = "inference";
  job.priority = spec.priority;
  job.owner = spec.owner;
  job.request_id = spec.request_id;
  job.labels = spec.labels;
  job.run_count = spec.runs;
  job.counts.queued = spec.runs;
  job.create_time = tx.now();
  job.run_time = spec.run_time.value_or(tx.now());
  job.start_deadline = spec.start_deadline;
  Run run;
  run.lane = tx.LaneFor({.queue = spec.queue, .model = spec.model});
  run.priority = spec.priority;
  run.run_time = job.run_time;
  run.start_deadline = spec.start_deadline;
  std::vector<std::string> own = spec.own;
  own.resize(spec.runs, "{}");
  job.id =
      tx.InsertJob(job, spec.shared, std::vector<Run>(spec.runs, run), own);
  return job;
}

}  // namespace sheaf
