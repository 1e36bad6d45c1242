#include "server/wire/job_answers.h"

#include "server/wire/convert.h"
#include "server/wire/page_token.h"

namespace sheaf::server {

void ToProto(const Submitted& submitted, pb::SubmitJobResponse* out) {
  ToProto(submitted.job, out->mutable_job());
  // A job that was only rehearsed has no name.
  if (!submitted.job.id) out->mutable_job()->clear_name();
  out->set_replayed(submitted.replayed);
}

void ToProto(const CancelCounts& counts, pb::CancelJobResponse* out) {
  out->set_job_count(counts.jobs);
  out->set_cancelled_run_count(counts.cancelled);
  out->set_stopping_run_count(counts.stopping);
}

void ToProto(const JobDetails& details, pb::Job* out) {
  ToProto(details.job, out);
  if (details.position) out->set_position(*details.position);
  if (details.per_run) {
    SetDuration(*details.per_run, out->mutable_eta_per_run());
  }
  if (details.eta) SetTime(*details.eta, out->mutable_eta());
  if (!details.is_full) return;
  ToProto(details.shared, out->mutable_shared());
  for (const RunDetails& run : details.runs) ToProto(run, out->add_runs());
}

void ToProto(const RunDetails& details, pb::Run* out) {
  ToProto(details.run, out);
  ToProto(details.params, out->mutable_request());
  if (details.planned) out->set_plan_batch(NameOf(*details.planned));
  if (details.has_attempts) AttemptsToProto(details.run, details.attempts, out);
  if (details.progress) ToProto(*details.progress, out->mutable_progress());
}

void ToProto(const RunPreview& preview, pb::Preview* out) {
  out->set_step(preview.step);
  out->set_image(*preview.png);
  SetTime(preview.time, out->mutable_update_time());
}

void ToProto(const JobPage& page, const std::string& question,
             pb::ListJobsResponse* out) {
  for (const Job& job : page.jobs) ToProto(job, out->add_jobs());
  if (page.next) {
    out->set_next_page_token(MakePageToken(question, page.next->value));
  }
}

void ToProto(const RunPage& page, const std::string& question,
             pb::ListRunsResponse* out) {
  for (const RunDetails& run : page.runs) ToProto(run, out->add_runs());
  if (page.next) {
    out->set_next_page_token(MakePageToken(question, page.next->value));
  }
}

}  // namespace sheaf::server
