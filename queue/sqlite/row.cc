#include "queue/sqlite/row.h"

#include "queue/queue_settings.h"
#include "queue/sqlite/row_json.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

std::optional<int64_t> ToColumn(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return std::nullopt;
  return absl::ToInt64Milliseconds(duration);
}

template <class Tag>
std::optional<int64_t> ToColumn(Id<Tag> id) {
  if (!id) return std::nullopt;
  return id.value;
}

absl::Time TimeOr(Query& row, absl::Time none) {
  const std::optional<int64_t> time = row.IntegerOrNull();
  return time ? absl::FromUnixMillis(*time) : none;
}

absl::Duration LimitOf(Query& row) {
  const std::optional<int64_t> limit = row.IntegerOrNull();
  return limit ? absl::Milliseconds(*limit) : absl::InfiniteDuration();
}

template <class Enum>
Enum EnumOf(Query& row) {
  return static_cast<Enum>(row.Integer());
}

int IntOf(Query& row) { return static_cast<int>(row.Integer()); }

// A setting as its column holds it, and back.
template <class T>
T SettingColumn(T value) {
  return value;
}
std::optional<int64_t> SettingColumn(absl::Duration value) {
  return ToColumn(value);
}
Priority SettingColumn(std::optional<Priority> value) {
  return value.value_or(Priority{});
}

template <class T>
void ReadSetting(Query& row, T* value) {
  *value = static_cast<T>(row.Integer());
}
void ReadSetting(Query& row, absl::Duration* value) { *value = LimitOf(row); }
void ReadSetting(Query& row, std::optional<Priority>* value) {
  const auto priority = EnumOf<Priority>(row);
  value->reset();
  if (priority != Priority{}) *value = priority;
}

}  // namespace

std::optional<int64_t> ToColumn(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return std::nullopt;
  }
  return absl::ToUnixMillis(time);
}

std::optional<std::string_view> TextOrNull(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

RunCounts ReadCounts(Query& row) {
  RunCounts counts;
  for (const RunStateFacts& facts : kRunStates) {
    counts.*facts.count = row.Integer();
  }
  return counts;
}

void WriteQueue(Connection& db, const Queue& queue) {
  std::apply(
      [&](const auto&... setting) {
        db.Run(sql::kSaveQueue, queue.name, queue.state, queue.pause_mode,
               queue.revision, queue.version, ToColumn(queue.create_time),
               queue.reason, queue.actor, ToColumn(queue.pause_time),
               ToColumn(queue.resume_time), queue.queued, queue.running,
               ToColumn(queue.plan),
               SettingColumn(queue.settings.*setting.member)...);
      },
      kQueueSettings);
}

Queue ReadQueue(Query& row) {
  Queue queue;
  queue.name = row.Text();
  queue.state = EnumOf<QueueState>(row);
  queue.pause_mode = EnumOf<PauseMode>(row);
  queue.revision = row.Integer();
  queue.version = row.Integer();
  queue.create_time = absl::FromUnixMillis(row.Integer());
  queue.reason = row.Text();
  queue.actor = row.Text();
  queue.pause_time = TimeOr(row, absl::InfinitePast());
  queue.resume_time = TimeOr(row, absl::InfiniteFuture());
  queue.queued = row.Integer();
  queue.running = row.Integer();
  queue.plan = PlanId{row.Integer()};
  ForEachQueueSetting([&](const auto& setting) {
    ReadSetting(row, &(queue.settings.*setting.member));
  });
  return queue;
}

void WriteLane(Connection& db, const Lane& lane) {
  db.Run(sql::kAddLane, lane.id.value, lane.queue, lane.owner, lane.kind,
         lane.model, lane.vae, lane.width, lane.height);
}

Lane ReadLane(Query& row) {
  Lane lane;
  lane.id = LaneId{row.Integer()};
  lane.queue = row.Text();
  lane.owner = row.Text();
  lane.kind = row.Text();
  lane.model = row.Text();
  lane.vae = row.Text();
  lane.width = row.Integer();
  lane.height = row.Integer();
  return lane;
}

void WriteNewJob(Connection& db, JobId id, const Job& job) {
  const std::string labels = LabelsText(job.labels);
  db.Run(sql::kAddJob, id.value, job.queue, job.kind, job.priority, job.owner,
         labels, TextOrNull(job.request_id), job.payload_digest, job.run_count,
         job.attempts_max, job.counts, ToColumn(job.create_time),
         ToColumn(job.run_time), ToColumn(job.start_deadline),
         ToColumn(job.start_time), ToColumn(job.end_time),
         ToColumn(job.expire_time), job.version);
}

void WriteJob(Connection& db, const Job& job) {
  const std::string labels = LabelsText(job.labels);
  db.Run(sql::kSaveJob, job.id.value, job.queue, job.kind, job.priority,
         job.owner, labels, TextOrNull(job.request_id), job.payload_digest,
         job.attempts_max, ToColumn(job.create_time), ToColumn(job.run_time),
         ToColumn(job.start_deadline), ToColumn(job.start_time),
         ToColumn(job.end_time), ToColumn(job.expire_time), job.version);
}

Job ReadJob(Query& row) {
  Job job;
  job.id = JobId{row.Integer()};
  job.queue = row.Text();
  job.kind = row.Text();
  job.priority = EnumOf<Priority>(row);
  job.owner = row.Text();
  job.labels = ParseLabels(row.Text());
  job.request_id = row.Text();
  job.payload_digest = row.Text();
  job.run_count = IntOf(row);
  job.attempts_max = IntOf(row);
  job.counts = ReadCounts(row);
  job.create_time = absl::FromUnixMillis(row.Integer());
  job.run_time = absl::FromUnixMillis(row.Integer());
  job.start_deadline = TimeOr(row, absl::InfiniteFuture());
  job.start_time = TimeOr(row, absl::InfinitePast());
  job.end_time = TimeOr(row, absl::InfiniteFuture());
  job.expire_time = TimeOr(row, absl::InfiniteFuture());
  job.version = row.Integer();
  return job;
}

JobProgress ReadProgress(Query& row) {
  JobProgress progress;
  progress.counts = ReadCounts(row);
  progress.start_time = TimeOr(row, absl::InfinitePast());
  progress.end_time = TimeOr(row, absl::InfiniteFuture());
  progress.expire_time = TimeOr(row, absl::InfiniteFuture());
  progress.version = row.Integer();
  return progress;
}

void WriteProgress(Connection& db, JobId id, const JobProgress& progress) {
  db.Run(sql::kSaveJobProgress, id.value, progress.counts,
         ToColumn(progress.start_time), ToColumn(progress.end_time),
         ToColumn(progress.expire_time), progress.version);
}

void WriteRun(Connection& db, const char* sql, const Run& run) {
  std::optional<std::string> error, outputs;
  if (run.error) error = ErrorText(*run.error);
  if (!run.outputs.empty()) outputs = OutputsText(run.outputs);
  db.Run(sql, run.id.value, run.lane.value, run.state, run.priority,
         ToColumn(run.run_time), ToColumn(run.start_deadline), run.attempts_max,
         run.attempt, run.failures, run.crashes, run.alone,
         run.cancel_requested, ToColumn(run.batch), run.epoch, run.hold,
         TextOrNull(run.worker), ToColumn(run.start_time),
         ToColumn(run.end_time), error, outputs);
}

Run ReadRun(Query& row) {
  Run run;
  run.id = RunId(row.Integer());
  run.lane = LaneId{row.Integer()};
  run.state = EnumOf<RunState>(row);
  run.priority = EnumOf<Priority>(row);
  run.run_time = absl::FromUnixMillis(row.Integer());
  run.start_deadline = TimeOr(row, absl::InfiniteFuture());
  run.attempts_max = IntOf(row);
  run.attempt = IntOf(row);
  run.failures = IntOf(row);
  run.crashes = IntOf(row);
  run.alone = row.Integer() != 0;
  run.cancel_requested = row.Integer() != 0;
  run.batch = BatchId{row.Integer()};
  run.epoch = row.Integer();
  run.hold = row.Integer();
  run.worker = row.Text();
  run.start_time = TimeOr(row, absl::InfinitePast());
  run.end_time = TimeOr(row, absl::InfinitePast());
  if (const auto error = row.TextOrNull()) run.error = ParseError(*error);
  if (const auto text = row.TextOrNull()) run.outputs = ParseOutputs(*text);
  return run;
}

void WriteAttempt(Connection& db, const Attempt& attempt) {
  std::optional<std::string> error;
  if (attempt.error) error = ErrorText(*attempt.error);
  db.Run(sql::kAddAttempt, attempt.run.value, attempt.attempt,
         TextOrNull(attempt.worker), ToColumn(attempt.batch), attempt.epoch,
         ToColumn(attempt.start_time), ToColumn(attempt.end_time),
         attempt.outcome, error);
}

Attempt ReadAttempt(Query& row) {
  Attempt attempt;
  attempt.run = RunId(row.Integer());
  attempt.attempt = IntOf(row);
  attempt.worker = row.Text();
  attempt.batch = BatchId{row.Integer()};
  attempt.epoch = row.Integer();
  attempt.start_time = TimeOr(row, absl::InfinitePast());
  attempt.end_time = TimeOr(row, absl::InfinitePast());
  attempt.outcome = EnumOf<RunState>(row);
  if (const auto error = row.TextOrNull()) attempt.error = ParseError(*error);
  return attempt;
}

void WriteBatch(Connection& db, const Batch& batch) {
  const std::string runs = RunIdsText(batch.runs);
  std::optional<std::string> twins;
  if (!batch.twins.empty()) twins = RunPairsText(batch.twins);
  db.Run(sql::kSaveBatch, batch.id.value, batch.queue, batch.worker.value,
         batch.worker_name, batch.epoch, Blob{batch.secret},
         ToColumn(batch.lease_expire_time), ToColumn(batch.start_time), runs,
         twins);
}

Batch ReadBatch(Query& row) {
  Batch batch;
  batch.id = BatchId{row.Integer()};
  batch.queue = row.Text();
  batch.worker = WorkerId{row.Integer()};
  batch.worker_name = row.Text();
  batch.epoch = row.Integer();
  batch.secret = row.Bytes();
  batch.lease_expire_time = absl::FromUnixMillis(row.Integer());
  batch.start_time = absl::FromUnixMillis(row.Integer());
  batch.runs = ParseRunIds(row.Text());
  if (const auto twins = row.TextOrNull()) batch.twins = ParseRunPairs(*twins);
  return batch;
}

OwnerCounts ReadOwner(Query& row) {
  OwnerCounts counts;
  counts.owner = row.Text();
  counts.queued = row.Integer();
  counts.running = row.Integer();
  return counts;
}

void WritePlan(Connection& db, const PlanRecord& plan) {
  db.Run(sql::kSavePlan, plan.id.value, plan.queue, plan.state, plan.live,
         plan.revision, plan.sequence, plan.run_count, plan.job_count,
         plan.batch_count, plan.mode, plan.report, plan.preview,
         TextOrNull(plan.request_id), ToColumn(plan.former),
         ToColumn(plan.create_time), ToColumn(plan.expire_time),
         ToColumn(plan.execute_time), ToColumn(plan.start_time),
         plan.next_batch);
}

PlanRecord ReadPlan(Query& row) {
  PlanRecord plan;
  plan.id = PlanId{row.Integer()};
  plan.queue = row.Text();
  plan.state = EnumOf<PlanState>(row);
  plan.live = row.Integer() != 0;
  plan.revision = row.Integer();
  plan.sequence = row.Integer();
  plan.run_count = row.Integer();
  plan.job_count = row.Integer();
  plan.batch_count = row.Integer();
  plan.mode = row.Text();
  plan.report = row.Text();
  plan.preview = row.Text();
  plan.request_id = row.Text();
  plan.former = PlanId{row.Integer()};
  plan.create_time = absl::FromUnixMillis(row.Integer());
  plan.expire_time = absl::FromUnixMillis(row.Integer());
  plan.execute_time = TimeOr(row, absl::InfinitePast());
  plan.start_time = TimeOr(row, absl::InfinitePast());
  plan.next_batch = row.Integer();
  return plan;
}

std::optional<int64_t> MillisecondsOrNull(const PlanBatch& batch) {
  if (!batch.actual) return std::nullopt;
  return absl::ToInt64Milliseconds(*batch.actual);
}

void WritePlanBatch(Connection& db, const PlanBatch& batch) {
  const std::string runs = RunIdsText(batch.runs);
  db.Run(sql::kAddPlanBatch, batch.plan.value, batch.number, runs, batch.info,
         absl::ToInt64Milliseconds(batch.predicted), MillisecondsOrNull(batch));
  for (const RunId run : batch.runs) {
    db.Run(sql::kAddPlanRun, batch.plan.value, run.value, batch.number);
  }
}

PlanBatch ReadPlanBatch(Query& row) {
  PlanBatch batch;
  batch.plan = PlanId{row.Integer()};
  batch.number = row.Integer();
  batch.runs = ParseRunIds(row.Text());
  batch.info = row.Text();
  batch.predicted = absl::Milliseconds(row.Integer());
  if (const auto actual = row.IntegerOrNull()) {
    batch.actual = absl::Milliseconds(*actual);
  }
  return batch;
}

void WriteEvent(Connection& db, const Event& event) {
  const std::string data = EventText(event);
  db.Run(sql::kAddEvent, event.sequence, ToColumn(event.time), event.type,
         event.queue, ToColumn(event.job), ToColumn(event.batch),
         TextOrNull(event.worker), TextOrNull(data));
}

Event ReadEvent(Query& row) {
  Event event;
  event.sequence = row.Integer();
  event.time = absl::FromUnixMillis(row.Integer());
  event.type = EnumOf<EventType>(row);
  event.queue = row.Text();
  event.job = JobId{row.Integer()};
  event.batch = BatchId{row.Integer()};
  event.worker = row.Text();
  if (const auto data = row.TextOrNull()) ParseEventText(*data, &event);
  return event;
}

void WriteArtifact(Connection& db, const Artifact& artifact) {
  db.Run(sql::kSaveArtifact, artifact.digest, artifact.size,
         artifact.media_type, ToColumn(artifact.create_time));
}

Artifact ReadArtifact(Query& row) {
  Artifact artifact;
  artifact.digest = row.Text();
  artifact.size = row.Integer();
  artifact.media_type = row.Text();
  artifact.create_time = absl::FromUnixMillis(row.Integer());
  return artifact;
}

RunParams ReadParams(Query& row) { return ParamsFrom(row.Text()); }

RunParams ParamsFrom(std::string_view text) {
  absl::StatusOr<RunParams> params = DecodeParams(text);
  if (!params.ok()) throw BrokenRow(std::string(params.status().message()));
  return *std::move(params);
}

}  // namespace sheaf
