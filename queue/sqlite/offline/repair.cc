#include "queue/sqlite/offline/repair.h"

#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/status.h"
#include "queue/error.h"
#include "queue/queues.h"
#include "queue/run_changes.h"
#include "queue/sqlite/backup.h"
#include "queue/sqlite/disk/found_log.h"
#include "queue/sqlite/disk/lock_file.h"
#include "queue/sqlite/fault.h"
#include "queue/sqlite/migrate.h"
#include "queue/sqlite/recount.h"
#include "queue/sqlite/sqlite_store.h"
#include "queue/sqlite/sqlite_tx.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

using Lines = std::vector<std::string>;

constexpr char kSetJobCounts[] =
    "UPDATE jobs SET n_queued = ?2, n_running = ?3, n_succeeded = ?4, "
    "n_failed = ?5, n_cancelled = ?6, run_count = ?7 WHERE id = ?1";
constexpr char kNow[] = " queued and running counts are now ";

std::string Counts(int64_t queued, int64_t running) {
  return std::to_string(queued) + " and " + std::to_string(running);
}

// Puts something readable in the place of texts that cannot be read, before
// anybody reads their rows.
void MendTexts(Connection& db, Lines* lines) {
  for (const BrokenText& text : BrokenTexts(db)) {
    db.Run(text.mend, text.row, text.attempt, text.instead);
    lines->push_back(text.what + " could not be read and is lost");
  }
}

// Sets the counts of jobs right, before anybody reads counts into memory.
std::vector<CountedJob> MendJobs(Connection& db, Lines* lines) {
  std::vector<CountedJob> jobs = MiscountedJobs(db);
  for (const CountedJob& job : jobs) {
    const RunCounts& is = job.counted;
    db.Run(kSetJobCounts, job.id.value, is, job.runs_counted);
    lines->push_back(NameOf(job.id) + ":" + kNow +
                     Counts(is.queued, is.running) + " instead of " +
                     Counts(job.kept.queued, job.kept.running));
  }
  return jobs;
}

void MendOwners(Connection& db, Lines* lines) {
  for (const CountedName& owner : MiscountedOwners(db)) {
    if (owner.queued + owner.running == 0) {
      db.Run(sql::kDeleteOwner, owner.name);
    } else {
      db.Run(sql::kSaveOwner, owner.name, owner.queued, owner.running);
    }
    lines->push_back("owner " + owner.name + ":" + kNow +
                     Counts(owner.queued, owner.running) + " instead of " +
                     Counts(owner.queued_kept, owner.running_kept));
  }
}

void MendQueues(Tx& tx, const std::vector<CountedName>& queues, Lines* lines) {
  for (const CountedName& counted : queues) {
    const std::string name = "queues/" + counted.name;
    if (!counted.known) {
      CreateQueue(tx, counted.name, {}).IgnoreError();
      lines->push_back(name +
                       " was missing and was restored because runs are in it");
    }
    std::optional<Queue> queue = tx.FindQueue(counted.name);
    if (!queue) continue;
    queue->queued = counted.queued;
    queue->running = counted.running;
    tx.SaveQueue(*queue);
    lines->push_back(name + ":" + kNow +
                     Counts(counted.queued, counted.running) + " instead of " +
                     Counts(counted.queued_kept, counted.running_kept));
  }
}

// Sets the times right of jobs that were wrong about whether they had ended.
void MendTimes(Tx& tx, const std::vector<CountedJob>& jobs) {
  for (const CountedJob& counted : jobs) {
    const std::optional<Job> job = tx.FindJob(counted.id);
    const std::optional<Queue> queue =
        job ? tx.FindQueue(job->queue) : std::nullopt;
    if (queue) tx.ApplyToJob(counted.id, {}, queue->settings);
  }
}

// Ends odd leases. No lease holds their runs then, and UnheldRuns finds them.
void EndLeases(Tx& tx, const std::vector<OddLease>& leases, Lines* lines) {
  for (const OddLease& lease : leases) {
    tx.DeleteBatch(lease.batch);
    lines->push_back(NameOf(lease.batch) + " was ended: " + lease.why);
  }
}

// Puts a run back in line without fault, as when a lease is handed back.
void HandBack(Tx& tx, RunChanges* changes, Run run) {
  for (const Attempt& kept : tx.Attempts(run.id)) {
    // Kept already: a second row of that number cannot be.
    if (kept.attempt == run.attempt) ++run.attempt;
  }
  changes->HandBack(run);
}

void PutBack(Tx& tx, const std::vector<RunId>& runs, Lines* lines) {
  std::map<JobId, std::vector<RunId>> by_job;
  for (const RunId run : runs) by_job[run.job()].push_back(run);
  for (const auto& [id, members] : by_job) {
    const std::optional<Job> job = tx.FindJob(id);
    if (!job) continue;
    RunChanges changes(tx, job->queue);
    for (const RunId member : members) {
      std::optional<Run> run = tx.FindRun(member);
      if (run) HandBack(tx, &changes, *std::move(run));
    }
    changes.Commit({.type = EventType::kRunsChanged, .reason = "repaired"});
    lines->push_back(
        std::to_string(members.size()) + " runs of " + NameOf(id) +
        " wait again: they were running, and no sound lease held them");
  }
}

absl::Status CheckFile(Connection& db) {
  const Lines problems = ProblemsOf(db.database(), /*full=*/false);
  if (problems.empty()) return absl::OkStatus();
  return Error(Reason::kStoreCorrupt,
               problems.front() + "; restore a backup (sheafd restore)");
}

absl::StatusOr<Lines> Mend(Connection& db, absl::Time now) {
  Lines lines;
  db.Run(sql::kBegin);
  MendTexts(db, &lines);
  const std::vector<CountedJob> jobs = MendJobs(db, &lines);
  MendOwners(db, &lines);
  SqliteTx tx(db);
  tx.BeginGroup(std::max(now, tx.newest_time()));
  tx.BeginClosure(/*careful=*/false);
  MendQueues(tx, MiscountedQueues(db), &lines);
  MendTimes(tx, jobs);
  EndLeases(tx, OddLeases(db), &lines);
  PutBack(tx, UnheldRuns(db), &lines);
  tx.EndClosure(/*keep=*/true);
  tx.Flush();
  const Lines left = Miscounts(db);
  if (!left.empty()) {
    db.Run(sql::kRollback);
    return Error(Reason::kStoreCorrupt,
                 left.front() +
                     ", and that cannot be mended; nothing was "
                     "changed");
  }
  db.Run(sql::kCommit);
  return lines;
}

absl::StatusOr<Lines> MendFile(const std::string& path, absl::Time now) {
  try {
    RenewFoundLog(path, "");
    Connection db(path, Connection::Use::kWrite, "");
    SHEAF_RETURN_IF_ERROR(CheckFile(db));
    SHEAF_RETURN_IF_ERROR(Migrate(db, path, Migrations(), now));
    return Mend(db, now);
  } catch (const std::exception& thrown) {
    return FaultOf(thrown).status;
  }
}

}  // namespace

absl::StatusOr<Lines> Repair(const std::string& directory, absl::Time now) {
  const std::string path = DatabasePath(directory);
  if (!std::filesystem::exists(path)) {
    return absl::NotFoundError("there is no database in " + directory);
  }
  SHEAF_ASSIGN_OR_RETURN(const LockFile lock,
                         LockFile::Acquire(LockPath(directory)));
  absl::StatusOr<Lines> lines = MendFile(path, now);
  GiveToOwner(directory);
  return lines;
}

}  // namespace sheaf
