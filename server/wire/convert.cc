#include "server/wire/convert.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/telemetry/progress.h"

namespace sheaf::server {
namespace {

void ErrorToProto(const RunError& error, pb::RunError* out) {
  out->set_error_class(static_cast<pb::ErrorClass>(error.error_class));
  out->set_message(error.message);
}

// The fields of the message are those of the table of states, in its order.
void CountsToProto(const RunCounts& counts, pb::RunCounts* out) {
  const auto* reflection = pb::RunCounts::GetReflection();
  const auto* descriptor = pb::RunCounts::descriptor();
  for (const RunStateFacts& facts : kRunStates) {
    reflection->SetInt32(
        out, descriptor->FindFieldByNumber(static_cast<int>(facts.state)),
        static_cast<int>(counts.*facts.count));
  }
}

}  // namespace

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const int64_t ms = absl::ToUnixMillis(time);
  out->set_seconds(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
  out->set_nanos(static_cast<int32_t>(ms - out->seconds() * 1000) * 1'000'000);
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* out) {
  const int64_t ms = absl::ToInt64Milliseconds(duration);
  out->set_seconds(ms / 1000);
  out->set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixMillis(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

std::string LastPart(const std::string& name) {
  return name.substr(name.rfind('/') + 1);
}

absl::StatusOr<NewJob> FromProto(const pb::SubmitJobRequest& request) {
  const pb::JobSpec& in = request.job();
  NewJob job;
  job.request_id = request.request_id();
  if (!in.queue().empty()) job.queue = LastPart(in.queue());
  if (!in.kind().empty()) job.kind = in.kind();
  if (in.priority() != pb::PRIORITY_UNSPECIFIED) {
    job.priority = static_cast<Priority>(in.priority());
  }
  job.owner = in.owner();
  job.labels = {in.labels().begin(), in.labels().end()};
  if (in.has_run_time()) job.run_time = FromProto(in.run_time());
  if (in.has_start_deadline()) {
    job.start_deadline = FromProto(in.start_deadline());
  }
  job.attempts_max = in.attempts_max();
  job.shared = FromProto(in.shared());
  job.runs.reserve(in.runs_size());
  for (const pb::RunRequest& run : in.runs()) {
    job.runs.push_back(FromProto(run));
  }
  if (in.has_sweep()) {
    SHEAF_ASSIGN_OR_RETURN(job.sweep, FromProto(in.sweep()));
  }
  return job;
}

void ToProto(const Job& job, pb::Job* out) {
  out->set_name(NameOf(job.id));
  out->set_queue(absl::StrCat("queues/", job.queue));
  out->set_kind(job.kind);
  out->set_priority(static_cast<pb::Priority>(job.priority));
  out->set_owner(job.owner);
  out->mutable_labels()->insert(job.labels.begin(), job.labels.end());
  out->set_state(static_cast<pb::JobState>(StateOf(job.counts)));
  CountsToProto(job.counts, out->mutable_run_counts());
  out->set_run_count(job.run_count);
  PutTime(job.create_time, out, &pb::Job::mutable_create_time);
  PutTime(job.run_time, out, &pb::Job::mutable_run_time);
  PutTime(job.start_deadline, out, &pb::Job::mutable_start_deadline);
  PutTime(job.start_time, out, &pb::Job::mutable_start_time);
  PutTime(job.end_time, out, &pb::Job::mutable_end_time);
  PutTime(job.expire_time, out, &pb::Job::mutable_expire_time);
  out->set_attempts_max(job.attempts_max);
  out->set_request_id(job.request_id);
  out->set_etag(absl::StrCat(job.version));
  const int64_t tried = job.counts.succeeded + job.counts.failed;
  if (tried > 0) {
    out->set_success_ratio(static_cast<double>(job.counts.succeeded) /
                           static_cast<double>(tried));
  }
}

void ToProto(const Run& run, pb::Run* out) {
  out->set_name(NameOf(run.id));
  out->set_index(run.id.index());
  out->set_state(static_cast<pb::RunState>(run.state));
  out->set_attempt(run.attempt);
  out->set_failure_count(run.failures);
  if (run.batch) out->set_batch(NameOf(run.batch));
  out->set_worker(run.worker);
  PutTime(run.run_time, out, &pb::Run::mutable_run_time);
  PutTime(run.start_time, out, &pb::Run::mutable_start_time);
  PutTime(run.end_time, out, &pb::Run::mutable_end_time);
  for (const Output& output : run.outputs) {
    pb::Output* theirs = out->add_outputs();
    theirs->set_artifact(ArtifactName(output.artifact));
    theirs->set_name(output.name);
    theirs->set_media_type(output.media_type);
  }
  if (run.error) ErrorToProto(*run.error, out->mutable_error());
  out->set_cancel_requested(run.cancel_requested);
}

void ToProto(const Attempt& attempt, pb::Attempt* out) {
  out->set_attempt(attempt.attempt);
  out->set_worker(attempt.worker);
  out->set_batch(NameOf(attempt.batch));
  out->set_epoch(attempt.epoch);
  PutTime(attempt.start_time, out, &pb::Attempt::mutable_start_time);
  PutTime(attempt.end_time, out, &pb::Attempt::mutable_end_time);
  out->set_outcome(static_cast<pb::RunState>(attempt.outcome));
  if (attempt.error) ErrorToProto(*attempt.error, out->mutable_error());
}

void AttemptsToProto(const Run& run, const std::vector<Attempt>& ended,
                     pb::Run* out) {
  for (const Attempt& attempt : ended) ToProto(attempt, out->add_attempts());
  const bool kept = !ended.empty() && ended.back().attempt == run.attempt;
  if (run.attempt == 0 || kept) return;
  ToProto(Attempt{.run = run.id,
                  .attempt = run.attempt,
                  .worker = run.worker,
                  .batch = run.batch,
                  .epoch = run.epoch,
                  .start_time = run.start_time,
                  .end_time = run.end_time,
                  .outcome = run.state,
                  .error = run.error},
          out->add_attempts());
}

void ToProto(const Event& event, pb::Event* out) {
  out->set_sequence(event.sequence);
  SetTime(event.time, out->mutable_time());
  out->set_type(static_cast<pb::EventType>(event.type));
  if (!event.queue.empty()) {
    out->set_queue(absl::StrCat("queues/", event.queue));
  }
  if (event.job) out->set_job(NameOf(event.job));
  if (event.batch) out->set_batch(NameOf(event.batch));
  out->set_worker(event.worker);
  for (const RunChange& change : event.runs) {
    pb::RunChange* theirs = out->add_runs();
    theirs->set_run(NameOf(change.run));
    theirs->set_state(static_cast<pb::RunState>(change.state));
    theirs->set_attempt(change.attempt);
    if (change.error_class) {
      theirs->set_error_class(static_cast<pb::ErrorClass>(*change.error_class));
    }
  }
  for (const JobEnd& end : event.ended) {
    pb::JobEnd* theirs = out->add_ended_jobs();
    theirs->set_job(NameOf(end.job));
    theirs->set_state(static_cast<pb::JobState>(end.state));
  }
  out->set_actor(event.actor);
  out->set_reason(event.reason);
}

void ToProto(const Artifact& artifact, pb::Artifact* out) {
  out->set_name(ArtifactName(artifact.digest));
  out->set_size_bytes(artifact.size);
  out->set_media_type(artifact.media_type);
  SetTime(artifact.create_time, out->mutable_create_time());
}

void ToProto(const StepProgress& progress, pb::Progress* out) {
  out->set_step(progress.step);
  out->set_step_count(progress.step_count);
  SetTime(progress.update_time, out->mutable_update_time());
  PutTime(progress.Eta(), out, &pb::Progress::mutable_eta);
  out->set_preview_step(progress.preview_step);
  const BatchProgress& batch = progress.batch;
  pb::BatchProgress* theirs = out->mutable_batch();
  theirs->set_name(NameOf(batch.id));
  theirs->set_running_run_count(batch.running);
  theirs->set_succeeded_run_count(batch.succeeded);
  theirs->set_failed_run_count(batch.failed);
  theirs->set_memory_bytes(batch.memory_bytes);
}

absl::StatusOr<JobPatch> FromProto(const pb::UpdateJobRequest& request) {
  const pb::Job& job = request.job();
  JobPatch patch;
  SHEAF_ASSIGN_OR_RETURN(patch.version, VersionOf(job.etag()));
  Violations violations;
  if (request.update_mask().paths().empty()) {
    violations.push_back({"update_mask", "must name at least one field"});
  }
  for (const std::string& path : request.update_mask().paths()) {
    if (path == "priority") {
      patch.priority = job.priority() == pb::PRIORITY_UNSPECIFIED
                           ? Priority::kNormal
                           : static_cast<Priority>(job.priority());
    } else if (path == "labels") {
      patch.labels = {{job.labels().begin(), job.labels().end()}};
    } else if (path == "run_time") {
      patch.run_time =
          job.has_run_time() ? FromProto(job.run_time()) : absl::InfinitePast();
    } else if (path == "start_deadline") {
      patch.start_deadline = job.has_start_deadline()
                                 ? FromProto(job.start_deadline())
                                 : absl::InfiniteFuture();
    } else {
      violations.push_back(
          {"update_mask",
           absl::StrCat("cannot change ", path,
                        "; it may name priority, labels, run_time and "
                        "start_deadline")});
    }
  }
  if (!violations.empty()) return InvalidArgument(std::move(violations));
  return patch;
}

absl::StatusOr<JobId> JobNamed(const std::string& name) {
  if (const auto job = ParseJobName(name)) return *job;
  return WithSubject(
      Error(Reason::kJobNotFound, absl::StrCat("there never was a job ", name)),
      name);
}

absl::StatusOr<RunId> RunNamed(const std::string& name) {
  if (const auto run = ParseRunName(name)) return *run;
  return WithSubject(
      Error(Reason::kRunNotFound, absl::StrCat("there is no ", name)), name);
}

bool NamesRun(const std::string& name) {
  return name.find("/runs/") != name.npos;
}

absl::StatusOr<int64_t> VersionOf(const std::string& etag) {
  if (etag.empty()) return 0;
  int64_t version = 0;
  const char* end = etag.data() + etag.size();
  const auto [stop, error] = std::from_chars(etag.data(), end, version);
  if (error != std::errc() || stop != end || version <= 0) {
    return Error(Reason::kEtagMismatch, "Sheaf never gave this etag");
  }
  return version;
}

}  // namespace sheaf::server
