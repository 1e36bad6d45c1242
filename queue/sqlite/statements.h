// Every statement of the store, each a text that can be pasted into sqlite3.
// A test asks SQLite how it would run each of them, and fails on a scan of a
// table that grows.
//
// Columns stand in the order in which row.cc reads and binds them.
#pragma once

namespace sheaf::sql {

// The seven counters.
inline constexpr char kCounters[] = "SELECT name, value FROM counters";
inline constexpr char kLastJob[] =
    "SELECT value FROM counters WHERE name = 'job'";
inline constexpr char kSetCounter[] =
    "UPDATE counters SET value = ?2 WHERE name = ?1";
// Something new each time: SQLite writes no page that would stay the same.
inline constexpr char kProbe[] =
    "INSERT INTO counters (name, value) VALUES ('probe', 1) "
    "ON CONFLICT (name) DO UPDATE SET value = value + 1";

// The columns of a queue; those of its settings come last.
#define SHEAF_QUEUE_COLUMNS                                             \
  "name, state, pause_mode, revision, version, create_time, reason, "   \
  "actor, pause_time, resume_time, queued, running, plan, batch_size, " \
  "attempts_max, runs_max, keep_succeeded, keep_failed, "               \
  "keep_cancelled, policy, batch_min, wait_max, threshold, "            \
  "gain_min_percent, twins, preempt_from, run_duration_max, wait_min, " \
  "harm_max, waiting_percent, knee_percent, across_priorities"
inline constexpr char kQueues[] =
    "SELECT " SHEAF_QUEUE_COLUMNS " FROM queues ORDER BY name";
inline constexpr char kFindQueue[] =
    "SELECT " SHEAF_QUEUE_COLUMNS " FROM queues WHERE name = ?1";
inline constexpr char kSaveQueue[] =
    "INSERT OR REPLACE INTO queues (" SHEAF_QUEUE_COLUMNS
    ") VALUES (?1, ?2, "
    "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
    "?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)";
inline constexpr char kDeleteQueue[] = "DELETE FROM queues WHERE name = ?1";

inline constexpr char kFindLane[] =
    "SELECT id, queue, owner, kind, model, vae, width, height FROM lanes "
    "WHERE id = ?1";
inline constexpr char kLaneLike[] =
    "SELECT id FROM lanes WHERE queue = ?1 AND owner = ?2 AND kind = ?3 "
    "AND model = ?4 AND vae = ?5 AND width = ?6 AND height = ?7";
inline constexpr char kLanesOf[] =
    "SELECT id, queue, owner, kind, model, vae, width, height FROM lanes "
    "WHERE owner = ?1 AND EXISTS (SELECT 1 FROM runs INDEXED BY runs_ready "
    "WHERE runs.state = 1 AND runs.lane = lanes.id)";
inline constexpr char kAddLane[] =
    "INSERT INTO lanes (id, queue, owner, kind, model, vae, width, height) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

inline constexpr char kOwners[] =
    "SELECT name, queued, running FROM owners ORDER BY name";
inline constexpr char kFindOwner[] =
    "SELECT name, queued, running FROM owners WHERE name = ?1";
inline constexpr char kSaveOwner[] =
    "INSERT OR REPLACE INTO owners (name, queued, running) "
    "VALUES (?1, ?2, ?3)";
inline constexpr char kDeleteOwner[] = "DELETE FROM owners WHERE name = ?1";

inline constexpr char kFindJob[] =
    "SELECT id, queue, kind, priority, owner, labels, request_id, "
    "payload_digest, run_count, attempts_max, n_queued, n_running, "
    "n_succeeded, n_failed, n_cancelled, create_time, run_time, "
    "start_deadline, start_time, end_time, expire_time, version "
    "FROM jobs WHERE id = ?1";
// The filter's condition (filter_sql.h), the bounds and the order follow.
inline constexpr char kJobsPrefix[] =
    "SELECT id, queue, kind, priority, owner, labels, request_id, "
    "payload_digest, run_count, attempts_max, n_queued, n_running, "
    "n_succeeded, n_failed, n_cancelled, create_time, run_time, "
    "start_deadline, start_time, end_time, expire_time, version "
    "FROM jobs AS j WHERE ";
inline constexpr char kJobsDescending[] =
    " AND id < ? AND id >= ? ORDER BY id DESC LIMIT ?";
inline constexpr char kJobsAscending[] =
    " AND id > ? AND id <= ? ORDER BY id LIMIT ?";
inline constexpr char kFindRequest[] =
    "SELECT id, payload_digest FROM jobs "
    "WHERE owner = ?1 AND request_id = ?2 "
    "UNION ALL SELECT job_id, payload_digest FROM spent_requests "
    "WHERE owner = ?1 AND request_id = ?2";
inline constexpr char kSpendRequest[] =
    "INSERT INTO spent_requests (owner, request_id, payload_digest, job_id, "
    "delete_time) SELECT owner, request_id, payload_digest, id, ?2 FROM jobs "
    "WHERE id = ?1 AND request_id IS NOT NULL";
inline constexpr char kCountSpentRequests[] =
    "SELECT count(*) FROM (SELECT 1 FROM spent_requests "
    "WHERE delete_time <= ?1 LIMIT ?2)";
inline constexpr char kDeleteSpentRequests[] =
    "DELETE FROM spent_requests WHERE (owner, request_id) IN "
    "(SELECT owner, request_id FROM spent_requests WHERE delete_time <= ?1 "
    "ORDER BY delete_time LIMIT ?2)";
inline constexpr char kAddJob[] =
    "INSERT INTO jobs (id, queue, kind, priority, owner, labels, request_id, "
    "payload_digest, run_count, attempts_max, n_queued, n_running, "
    "n_succeeded, n_failed, n_cancelled, create_time, run_time, "
    "start_deadline, start_time, end_time, expire_time, version) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
    "?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";
inline constexpr char kSaveJob[] =
    "UPDATE jobs SET queue = ?2, kind = ?3, priority = ?4, owner = ?5, "
    "labels = ?6, request_id = ?7, payload_digest = ?8, attempts_max = ?9, "
    "create_time = ?10, run_time = ?11, start_deadline = ?12, "
    "start_time = ?13, end_time = ?14, expire_time = ?15, version = ?16 "
    "WHERE id = ?1";
inline constexpr char kJobProgress[] =
    "SELECT n_queued, n_running, n_succeeded, n_failed, n_cancelled, "
    "start_time, end_time, expire_time, version, owner FROM jobs "
    "WHERE id = ?1";
inline constexpr char kSaveJobProgress[] =
    "UPDATE jobs SET n_queued = ?2, n_running = ?3, n_succeeded = ?4, "
    "n_failed = ?5, n_cancelled = ?6, start_time = ?7, end_time = ?8, "
    "expire_time = ?9, version = ?10 WHERE id = ?1";
inline constexpr char kDeleteJob[] = "DELETE FROM jobs WHERE id = ?1";
inline constexpr char kExpired[] =
    "SELECT id FROM jobs WHERE expire_time <= ?1 "
    "ORDER BY expire_time, id LIMIT ?2";
inline constexpr char kCountJobs[] = "SELECT count(*) FROM jobs";

inline constexpr char kSharedParams[] =
    "SELECT shared FROM job_params WHERE job_id = ?1";
inline constexpr char kAddSharedParams[] =
    "INSERT INTO job_params (job_id, shared) VALUES (?1, ?2)";
inline constexpr char kDeleteSharedParams[] =
    "DELETE FROM job_params WHERE job_id = ?1";

inline constexpr char kFindRun[] =
    "SELECT id, lane, state, priority, run_time, start_deadline, "
    "attempts_max, attempt, failures, crashes, alone, cancel_requested, "
    "batch, epoch, hold, worker, start_time, end_time, error, outputs "
    "FROM runs WHERE id = ?1";
// ?3 is a set of states, as bits.
inline constexpr char kRuns[] =
    "SELECT id, lane, state, priority, run_time, start_deadline, "
    "attempts_max, attempt, failures, crashes, alone, cancel_requested, "
    "batch, epoch, hold, worker, start_time, end_time, error, outputs "
    "FROM runs WHERE id BETWEEN ?1 AND ?2 AND (?3 >> state) & 1 "
    "ORDER BY id LIMIT ?4";
inline constexpr char kReady[] =
    "SELECT id, lane, state, priority, run_time, start_deadline, "
    "attempts_max, attempt, failures, crashes, alone, cancel_requested, "
    "batch, epoch, hold, worker, start_time, end_time, error, outputs "
    "FROM runs WHERE state = 1 AND lane = ?1 AND priority <= ?2 "
    "ORDER BY priority DESC, run_time, id LIMIT ?3";
inline constexpr char kReadyWith[] =
    "SELECT id, lane, state, priority, run_time, start_deadline, "
    "attempts_max, attempt, failures, crashes, alone, cancel_requested, "
    "batch, epoch, hold, worker, start_time, end_time, error, outputs "
    "FROM runs WHERE state = 1 AND lane = ?1 AND priority = ?2 "
    "AND run_time = ?3 AND id BETWEEN ?4 AND ?5 ORDER BY id LIMIT ?6";
// Hops from lane to lane in the index, however many runs wait in each.
inline constexpr char kReadyLanes[] =
    "WITH RECURSIVE ready (lane) AS ("
    "SELECT (SELECT lane FROM runs INDEXED BY runs_ready "
    "WHERE state = 1 AND lane > 0 ORDER BY lane LIMIT 1) UNION ALL "
    "SELECT (SELECT runs.lane FROM runs INDEXED BY runs_ready "
    "WHERE state = 1 AND runs.lane > ready.lane ORDER BY runs.lane LIMIT 1) "
    "FROM ready WHERE ready.lane IS NOT NULL) "
    "SELECT lanes.id, queue, owner, kind, model, vae, width, height FROM ready "
    "CROSS JOIN lanes ON lanes.id = ready.lane";
// Then a run's own values.
inline constexpr char kWaiting[] =
    "SELECT r.id, lane, r.state, r.priority, r.run_time, r.start_deadline, "
    "r.attempts_max, attempt, failures, crashes, alone, cancel_requested, "
    "batch, epoch, hold, worker, r.start_time, r.end_time, error, outputs, "
    "own.params FROM runs AS r INDEXED BY runs_ready "
    "LEFT JOIN run_params AS own ON own.run_id = r.id "
    "WHERE r.state = 1 AND r.lane = ?1 "
    "ORDER BY r.priority DESC, r.run_time, r.id";
inline constexpr char kCountReadyBefore[] =
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM runs WHERE state = 1 "
    "AND lane = ?1 AND priority > ?2 LIMIT ?5)) + "
    "(SELECT count(*) FROM (SELECT 1 FROM runs WHERE state = 1 "
    "AND lane = ?1 AND priority = ?2 AND run_time < ?3 LIMIT ?5)) + "
    "(SELECT count(*) FROM (SELECT 1 FROM runs WHERE state = 1 "
    "AND lane = ?1 AND priority = ?2 AND run_time = ?3 AND id < ?4 "
    "LIMIT ?5))";
inline constexpr char kPastDeadline[] =
    "SELECT id FROM runs WHERE state = 1 AND start_deadline <= ?1 "
    "ORDER BY start_deadline, id LIMIT ?2";
inline constexpr char kAddRun[] =
    "INSERT INTO runs (id, lane, state, priority, run_time, start_deadline, "
    "attempts_max, attempt, failures, crashes, alone, cancel_requested, "
    "batch, epoch, hold, worker, start_time, end_time, error, outputs) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
    "?15, ?16, ?17, ?18, ?19, ?20)";
inline constexpr char kSaveRun[] =
    "UPDATE runs SET lane = ?2, state = ?3, priority = ?4, run_time = ?5, "
    "start_deadline = ?6, attempts_max = ?7, attempt = ?8, failures = ?9, "
    "crashes = ?10, alone = ?11, cancel_requested = ?12, batch = ?13, "
    "epoch = ?14, hold = ?15, worker = ?16, start_time = ?17, "
    "end_time = ?18, error = ?19, outputs = ?20 WHERE id = ?1";
inline constexpr char kWaitingLanesOfRuns[] =
    "SELECT lane FROM runs WHERE id BETWEEN ?1 AND ?2 AND state = ?3";
inline constexpr char kDeleteRuns[] =
    "DELETE FROM runs WHERE id BETWEEN ?1 AND ?2";

inline constexpr char kOwnParams[] =
    "SELECT params FROM run_params WHERE run_id = ?1";
inline constexpr char kAddOwnParams[] =
    "INSERT INTO run_params (run_id, params) VALUES (?1, ?2)";
inline constexpr char kDeleteOwnParams[] =
    "DELETE FROM run_params WHERE run_id BETWEEN ?1 AND ?2";

inline constexpr char kAttempts[] =
    "SELECT run_id, attempt, worker, batch, epoch, start_time, end_time, "
    "outcome, error FROM attempts WHERE run_id = ?1 ORDER BY attempt";
inline constexpr char kAddAttempt[] =
    "INSERT INTO attempts (run_id, attempt, worker, batch, epoch, "
    "start_time, end_time, outcome, error) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
inline constexpr char kForgetAttempts[] =
    "DELETE FROM attempts WHERE run_id = ?1 AND attempt <= ?2";
inline constexpr char kDeleteAttempts[] =
    "DELETE FROM attempts WHERE run_id BETWEEN ?1 AND ?2";

inline constexpr char kFindBatch[] =
    "SELECT id, queue, worker, worker_name, epoch, secret, "
    "lease_expire_time, start_time, runs, twins FROM batches WHERE id = ?1";
inline constexpr char kBatches[] =
    "SELECT id, queue, worker, worker_name, epoch, secret, "
    "lease_expire_time, start_time, runs, twins FROM batches "
    "WHERE lease_expire_time <= ?1 ORDER BY id";
inline constexpr char kLeases[] =
    "SELECT id, worker, queue, start_time FROM batches "
    "WHERE lease_expire_time <= ?1 ORDER BY id";
inline constexpr char kRenewLeases[] =
    "UPDATE batches SET lease_expire_time = ?1, start_time = ?2";
inline constexpr char kSaveBatch[] =
    "INSERT OR REPLACE INTO batches (id, queue, worker, worker_name, epoch, "
    "secret, lease_expire_time, start_time, runs, twins) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
inline constexpr char kDeleteBatch[] = "DELETE FROM batches WHERE id = ?1";

inline constexpr char kFindPlan[] =
    "SELECT id, queue, state, live, revision, sequence, run_count, job_count, "
    "batch_count, mode, report, preview, request_id, former, create_time, "
    "expire_time, execute_time, start_time, next_batch FROM plans WHERE id = "
    "?1";
inline constexpr char kPlans[] =
    "SELECT id, queue, state, live, revision, sequence, run_count, job_count, "
    "batch_count, mode, report, preview, request_id, former, create_time, "
    "expire_time, execute_time, start_time, next_batch FROM plans WHERE queue "
    "= ?1 AND id "
    "< ?2 "
    "ORDER BY id DESC LIMIT ?3";
// 3 is active.
inline constexpr char kExpiredPlans[] =
    "SELECT id FROM plans WHERE expire_time <= ?1 AND state <> 3 "
    "ORDER BY expire_time, id LIMIT ?2";
inline constexpr char kSavePlan[] =
    "INSERT INTO plans (id, queue, state, live, revision, sequence, "
    "run_count, job_count, batch_count, mode, report, preview, request_id, "
    "former, create_time, expire_time, execute_time, start_time, next_batch) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
    "?16, ?17, ?18, ?19) "
    "ON CONFLICT (id) DO UPDATE SET state = ?3, live = ?4, run_count = ?7, "
    "job_count = ?8, batch_count = ?9, report = ?11, preview = ?12, "
    "request_id = ?13, former = ?14, expire_time = ?16, execute_time = ?17, "
    "start_time = ?18, next_batch = ?19";
inline constexpr char kDeletePlan[] = "DELETE FROM plans WHERE id = ?1";
inline constexpr char kPlanBatches[] =
    "SELECT plan, number, runs, info, predicted_ms, actual_ms "
    "FROM plan_batches "
    "WHERE plan = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
inline constexpr char kFindPlanBatch[] =
    "SELECT b.plan, b.number, b.runs, b.info, b.predicted_ms, b.actual_ms "
    "FROM plan_runs AS r JOIN plan_batches AS b "
    "ON b.plan = r.plan AND b.number = r.number "
    "WHERE r.plan = ?1 AND r.run_id = ?2";
inline constexpr char kAddPlanBatch[] =
    "INSERT INTO plan_batches (plan, number, runs, info, predicted_ms, "
    "actual_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
inline constexpr char kSavePlanBatchTime[] =
    "UPDATE plan_batches SET actual_ms = ?3 WHERE plan = ?1 AND number = ?2";
inline constexpr char kPlanTimes[] =
    "SELECT count(*), coalesce(sum(predicted_ms), 0), "
    "coalesce(sum(actual_ms), 0) FROM plan_batches "
    "WHERE plan = ?1 AND actual_ms IS NOT NULL";
inline constexpr char kAddPlanRun[] =
    "INSERT INTO plan_runs (plan, run_id, number) VALUES (?1, ?2, ?3)";
inline constexpr char kDeletePlanBatches[] =
    "DELETE FROM plan_batches WHERE plan = ?1 AND number <= "
    "(SELECT min(number) FROM plan_batches WHERE plan = ?1) + ?2";
inline constexpr char kLastPlanRuns[] =
    "SELECT run_id FROM plan_runs WHERE plan = ?1 ORDER BY run_id "
    "LIMIT 1 OFFSET ?2";
inline constexpr char kDeletePlanRuns[] =
    "DELETE FROM plan_runs WHERE plan = ?1 AND run_id <= ?2";

inline constexpr char kLearned[] =
    "SELECT name, value FROM learned ORDER BY name";
inline constexpr char kLearn[] =
    "INSERT OR REPLACE INTO learned (name, value) VALUES (?1, ?2)";
inline constexpr char kForget[] = "DELETE FROM learned WHERE name = ?1";

inline constexpr char kEvents[] =
    "SELECT sequence, time, type, queue, job, batch, worker, data "
    "FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
inline constexpr char kLastEvent[] =
    "SELECT sequence, time FROM events ORDER BY sequence DESC LIMIT 1";
inline constexpr char kFirstEvent[] =
    "SELECT sequence FROM events ORDER BY sequence LIMIT 1";
inline constexpr char kAddEvent[] =
    "INSERT INTO events (sequence, time, type, queue, job, batch, worker, "
    "data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
inline constexpr char kTrimEvents[] = "DELETE FROM events WHERE sequence <= ?1";

inline constexpr char kFindArtifact[] =
    "SELECT digest, size, media_type, create_time FROM artifacts "
    "WHERE digest = ?1";
inline constexpr char kIsReferenced[] =
    "SELECT 1 FROM artifact_refs WHERE digest = ?1 LIMIT 1";
inline constexpr char kUnreferencedArtifacts[] =
    "SELECT digest, size, media_type, create_time FROM artifacts "
    "WHERE create_time <= ?1 AND NOT EXISTS (SELECT 1 FROM artifact_refs "
    "WHERE artifact_refs.digest = artifacts.digest) "
    "ORDER BY create_time, digest LIMIT ?2";
inline constexpr char kCountArtifacts[] =
    "SELECT count(*), ifnull(sum(size), 0) FROM artifacts";
inline constexpr char kSaveArtifact[] =
    "INSERT OR REPLACE INTO artifacts (digest, size, media_type, "
    "create_time) VALUES (?1, ?2, ?3, ?4)";
inline constexpr char kDeleteArtifact[] =
    "DELETE FROM artifacts WHERE digest = ?1";
inline constexpr char kAddReference[] =
    "INSERT OR IGNORE INTO artifact_refs (digest, job_id) VALUES (?1, ?2)";
inline constexpr char kDeleteReferences[] =
    "DELETE FROM artifact_refs WHERE job_id = ?1";

// Transactions. A closure's savepoint is named u.
inline constexpr char kBegin[] = "BEGIN IMMEDIATE";
inline constexpr char kBeginRead[] = "BEGIN";
inline constexpr char kCommit[] = "COMMIT";
inline constexpr char kRollback[] = "ROLLBACK";
inline constexpr char kSavepoint[] = "SAVEPOINT u";
inline constexpr char kRelease[] = "RELEASE u";
inline constexpr char kRollbackTo[] = "ROLLBACK TO u";

// All of the above that read or write tables, whole, for the test.
inline constexpr const char* kAll[] = {kCounters,
                                       kSetCounter,
                                       kProbe,
                                       kQueues,
                                       kFindQueue,
                                       kSaveQueue,
                                       kDeleteQueue,
                                       kOwners,
                                       kFindOwner,
                                       kSaveOwner,
                                       kDeleteOwner,
                                       kFindLane,
                                       kLaneLike,
                                       kLanesOf,
                                       kAddLane,
                                       kFindJob,
                                       kFindRequest,
                                       kSpendRequest,
                                       kCountSpentRequests,
                                       kDeleteSpentRequests,
                                       kAddJob,
                                       kSaveJob,
                                       kJobProgress,
                                       kSaveJobProgress,
                                       kDeleteJob,
                                       kExpired,
                                       kCountJobs,
                                       kSharedParams,
                                       kAddSharedParams,
                                       kDeleteSharedParams,
                                       kFindRun,
                                       kRuns,
                                       kReady,
                                       kReadyWith,
                                       kWaiting,
                                       kReadyLanes,
                                       kCountReadyBefore,
                                       kPastDeadline,
                                       kAddRun,
                                       kSaveRun,
                                       kWaitingLanesOfRuns,
                                       kDeleteRuns,
                                       kOwnParams,
                                       kAddOwnParams,
                                       kDeleteOwnParams,
                                       kAttempts,
                                       kAddAttempt,
                                       kForgetAttempts,
                                       kDeleteAttempts,
                                       kFindBatch,
                                       kBatches,
                                       kLeases,
                                       kRenewLeases,
                                       kSaveBatch,
                                       kDeleteBatch,
                                       kEvents,
                                       kLastEvent,
                                       kFirstEvent,
                                       kAddEvent,
                                       kTrimEvents,
                                       kFindArtifact,
                                       kIsReferenced,
                                       kUnreferencedArtifacts,
                                       kCountArtifacts,
                                       kSaveArtifact,
                                       kDeleteArtifact,
                                       kAddReference,
                                       kDeleteReferences,
                                       kFindPlan,
                                       kPlans,
                                       kExpiredPlans,
                                       kSavePlan,
                                       kDeletePlan,
                                       kPlanBatches,
                                       kFindPlanBatch,
                                       kAddPlanBatch,
                                       kSavePlanBatchTime,
                                       kPlanTimes,
                                       kAddPlanRun,
                                       kDeletePlanBatches,
                                       kLastPlanRuns,
                                       kDeletePlanRuns,
                                       kLearned,
                                       kLearn,
                                       kForget};

}  // namespace sheaf::sql
