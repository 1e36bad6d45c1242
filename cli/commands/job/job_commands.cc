#include "cli/commands/job/job_commands.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/commands/job/download.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/takers.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

absl::StatusOr<std::vector<std::string>> JobOrRunNames(
    const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  for (const std::string& text : texts) {
    SHEAF_ASSIGN_OR_RETURN(names.emplace_back(), JobOrRunName(text));
  }
  return names;
}

struct JobGetArgs {
  std::string name;
  bool runs = false;
  std::string directory;
  bool force = false;
};

void PrintJob(Context& context, const v1::Job& job) {
  Printer printer = context.MakePrinter();
  printer.One(job, JobColumns());
  if (!context.IsForPeople() || job.runs().empty()) return;
  context.out() << "\n";
  printer.List(job, "runs", RunColumns());
  if (job.runs_size() < job.run_count()) {
    context.Say(absl::StrCat("The first ", job.runs_size(), " of ",
                             job.run_count(),
                             " runs; for all of them: sheaf job get ",
                             JobIdText(job.name()), " --runs"));
  }
  SayIfNobodyTakes(context, WaitingWorksOf(job));
}

absl::Status RunJobGet(Context& context, JobGetArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::string name, JobName(args.name));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  if (!args.directory.empty()) {
    return DownloadOutputs(
        context, name, args.directory, args.force,
        [&](const std::string& path) { context.out() << path << "\n"; });
  }
  if (args.runs) {
    SHEAF_ASSIGN_OR_RETURN(const auto runs, AllRuns(*client, name));
    context.MakePrinter().List(runs, "runs", RunColumns());
    return absl::OkStatus();
  }
  v1::GetJobRequest request;
  request.set_name(name);
  request.set_view(v1::JOB_VIEW_FULL);
  SHEAF_ASSIGN_OR_RETURN(
      const v1::Job job,
      client->Call<v1::Job>("sheaf.v1.JobService/GetJob", request));
  PrintJob(context, job);
  return absl::OkStatus();
}

struct CancelArgs {
  std::vector<std::string> names;
  std::string filter;
  bool keep_running = false;
  bool dry_run = false;
  std::string reason;
};

std::string CancelText(const v1::CancelJobResponse& response) {
  return absl::StrCat(response.job_count(), " jobs, ",
                      response.cancelled_run_count(), " waiting runs and ",
                      response.stopping_run_count(), " running ones");
}

absl::Status CancelOne(Context& context, v1::CancelJobRequest request) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto response,
                         client->Call<v1::CancelJobResponse>(
                             "sheaf.v1.JobService/CancelJob", request));
  context.MakePrinter().One(response,
                            {{"JOBS", "job_count"},
                             {"CANCELLED RUNS", "cancelled_run_count"},
                             {"STOPPING RUNS", "stopping_run_count"}});
  if (request.validate_only()) context.Say("Dry run: nothing was changed.");
  return absl::OkStatus();
}

// A filter may match more than its author thought: count first, then ask.
absl::Status ConfirmCancel(Context& context, v1::CancelJobRequest request) {
  if (request.filter().empty() || request.validate_only()) {
    return absl::OkStatus();
  }
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  request.set_validate_only(true);
  SHEAF_ASSIGN_OR_RETURN(const auto count,
                         client->Call<v1::CancelJobResponse>(
                             "sheaf.v1.JobService/CancelJob", request));
  return context.Confirm(absl::StrCat("Cancel ", CancelText(count), "?"));
}

absl::Status RunCancel(Context& context, CancelArgs& args) {
  if (args.names.empty() == args.filter.empty()) {
    return UsageError("give either jobs or a --filter");
  }
  SHEAF_ASSIGN_OR_RETURN(auto names, JobOrRunNames(args.names));
  if (names.empty()) names.push_back("");
  for (const std::string& name : names) {
    v1::CancelJobRequest request;
    request.set_name(name);
    request.set_filter(args.filter);
    request.set_keep_running(args.keep_running);
    request.set_validate_only(args.dry_run);
    request.set_reason(args.reason);
    SHEAF_RETURN_IF_ERROR(ConfirmCancel(context, request));
    SHEAF_RETURN_IF_ERROR(CancelOne(context, request));
  }
  return absl::OkStatus();
}

struct NamesArgs {
  std::vector<std::string> names;
};

absl::Status RunRetry(Context& context, NamesArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const auto names, JobOrRunNames(args.names));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::ListJobsResponse jobs;
  for (const std::string& name : names) {
    v1::RetryJobRequest request;
    request.set_name(name);
    SHEAF_ASSIGN_OR_RETURN(auto response,
                           client->Call<v1::RetryJobResponse>(
                               "sheaf.v1.JobService/RetryJob", request));
    context.Say(absl::StrCat(name, ": ", response.run_count(),
                             " runs are queued again. Follow them: sheaf job "
                             "watch ",
                             JobIdText(response.job().name())));
    *jobs.add_jobs() = std::move(*response.mutable_job());
  }
  context.MakePrinter().List(jobs, "jobs", JobColumns());
  return absl::OkStatus();
}

absl::Status RunJobDelete(Context& context, NamesArgs& args) {
  std::vector<std::string> names;
  for (const std::string& text : args.names) {
    SHEAF_ASSIGN_OR_RETURN(names.emplace_back(), JobName(text));
  }
  SHEAF_RETURN_IF_ERROR(context.Confirm(
      names.size() == 1
          ? absl::StrCat("Delete ", names[0], " and its runs?")
          : absl::StrCat("Delete ", names.size(), " jobs and their runs?")));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  for (const std::string& name : names) {
    v1::DeleteJobRequest request;
    request.set_name(name);
    SHEAF_RETURN_IF_ERROR(client
                              ->Call<v1::DeleteJobResponse>(
                                  "sheaf.v1.JobService/DeleteJob", request)
                              .status());
    context.Say(absl::StrCat("Deleted ", name, "."));
  }
  return absl::OkStatus();
}

struct UpdateArgs {
  std::string name;
  std::string priority;
  std::vector<std::string> labels;
  std::vector<std::string> unlabels;
  std::string run_at;
  std::string start_deadline;
};

// Labels are changed one by one here but sent as a whole map. The map starts
// from the job's own labels, and the job's etag makes the server refuse it if
// the job was changed meanwhile.
absl::Status ChangeLabels(Client& client, const UpdateArgs& args,
                          v1::Job* job) {
  v1::GetJobRequest request;
  request.set_name(job->name());
  SHEAF_ASSIGN_OR_RETURN(
      const v1::Job present,
      client.Call<v1::Job>("sheaf.v1.JobService/GetJob", request));
  *job->mutable_labels() = present.labels();
  job->set_etag(present.etag());
  for (const std::string& label : args.labels) {
    SHEAF_ASSIGN_OR_RETURN(const auto pair, ParseKeyValue(label));
    (*job->mutable_labels())[pair.first] = pair.second;
  }
  for (const std::string& key : args.unlabels)
    job->mutable_labels()->erase(key);
  return absl::OkStatus();
}

absl::Status RunUpdate(Context& context, UpdateArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::UpdateJobRequest request;
  v1::Job* job = request.mutable_job();
  SHEAF_ASSIGN_OR_RETURN(*job->mutable_name(), JobName(args.name));
  const absl::Time now = absl::Now();
  auto* paths = request.mutable_update_mask();
  if (!args.priority.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto priority, ParsePriority(args.priority));
    job->set_priority(priority);
    paths->add_paths("priority");
  }
  if (!args.run_at.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto time, ParseTime(args.run_at, now));
    *job->mutable_run_time() = ToProto(time);
    paths->add_paths("run_time");
  }
  if (!args.start_deadline.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto time,
                           ParseTime(args.start_deadline, now));
    *job->mutable_start_deadline() = ToProto(time);
    paths->add_paths("start_deadline");
  }
  if (!args.labels.empty() || !args.unlabels.empty()) {
    SHEAF_RETURN_IF_ERROR(ChangeLabels(*client, args, job));
    paths->add_paths("labels");
  }
  if (paths->paths().empty()) return UsageError("no change was given");
  SHEAF_ASSIGN_OR_RETURN(
      const v1::Job updated,
      client->Call<v1::Job>("sheaf.v1.JobService/UpdateJob", request));
  context.MakePrinter().One(updated, JobColumns());
  return absl::OkStatus();
}

void AddGet(CLI::App& job, Context& context) {
  const auto [verb, args] =
      AddVerb(job, context, "get", "Show a job and its runs", &RunJobGet);
  AddName(verb, "job", &args->name, "JOB", "Job to show");
  verb->add_flag("--runs", args->runs, "Show all its runs instead of the job");
  AddValue(verb, "--download,--outputs", &args->directory, "DIR",
           "Write its outputs as run-INDEX-NAME.ext into this directory");
  verb->add_flag("--force", args->force, "Replace files that differ");
}

void AddChanges(CLI::App& job, Context& context) {
  const auto [cancel, cancel_args] =
      AddVerb(job, context, "cancel",
              "Cancel jobs, runs, or all jobs that match a filter", &RunCancel);
  AddNames(cancel, "job", &cancel_args->names, "JOB", "42 or 42/runs/0");
  AddValue(cancel, "--filter", &cancel_args->filter, "FILTER",
           "Cancel all jobs that match; asks first");
  cancel->add_flag("--keep-running", cancel_args->keep_running,
                   "Leave running runs alone");
  cancel->add_flag("--dry-run", cancel_args->dry_run,
                   "Only count, cancel nothing");
  AddValue(cancel, "--reason", &cancel_args->reason, "TEXT",
           "Reason to record");

  const auto [retry, retry_args] = AddVerb(
      job, context, "retry", "Queue failed or cancelled runs again", &RunRetry);
  AddNames(retry, "job", &retry_args->names, "JOB", "42 or 42/runs/0")
      ->required();

  const auto [update, update_args] = AddVerb(
      job, context, "update", "Change a job while it waits", &RunUpdate);
  AddName(update, "job", &update_args->name, "JOB", "Job to change");
  AddValue(update, "--priority", &update_args->priority,
           "low|normal|high|urgent", "New priority");
  AddValues(update, "--label", &update_args->labels, "KEY=VALUE",
            "Set a label; may be repeated");
  AddValues(update, "--remove-label", &update_args->unlabels, "KEY",
            "Remove a label; may be repeated");
  AddValue(update, "--run-at", &update_args->run_at, "TIME",
           "Start no run before this time: now, +5m or RFC 3339");
  AddValue(update, "--start-deadline", &update_args->start_deadline, "TIME",
           "Fail runs that have not started by then");

  const auto [remove, remove_args] =
      AddVerb(job, context, "delete", "Delete ended jobs", &RunJobDelete);
  AddNames(remove, "job", &remove_args->names, "JOB", "Jobs to delete")
      ->required();
}

}  // namespace

const std::vector<Column>& JobColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"NAME", "name"},
      {"STATE", "state", Style::kState},
      {"QUEUE", "queue"},
      {"KIND", "kind"},
      {"PRIORITY", "priority"},
      {"DONE", "{run_counts.succeeded}/{run_count}"},
      {"OWNER", "owner"},
      {"AGE", "create_time", Style::kAge},
      {"FAILED", "run_counts.failed", Style::kPlain, true},
      {"SUCCESS", "success_ratio", Style::kShare, true},
      {"LABELS", "labels", Style::kPlain, true},
      {"CREATED", "create_time", Style::kPlain, true},
      {"NOT BEFORE", "run_time", Style::kPlain, true},
      {"STARTED", "start_time", Style::kPlain, true},
      {"ENDED", "end_time", Style::kPlain, true},
      {"POSITION", "position", Style::kPlain, true},
      {"READY", "eta", Style::kAge, true},
      {"REQUEST ID", "request_id", Style::kPlain, true},
  };
  return *kColumns;
}

const std::vector<Column>& RunColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"RUN", "name"},
      {"STATE", "state", Style::kState},
      {"ATTEMPT", "attempt"},
      {"STEP", "{progress.step}/{progress.step_count}"},
      {"WORKER", "worker"},
      {"ERROR", "error.message"},
      {"READY", "progress.eta", Style::kAge, true},
      {"MEMORY", "progress.batch.memory_bytes", Style::kBytes, true},
      {"PROMPT", "request.prompt", Style::kPlain, true},
      {"SEED", "request.seed", Style::kPlain, true},
      {"CLASS", "error.error_class", Style::kPlain, true},
      {"OUTPUTS", "outputs", Style::kPlain, true},
  };
  return *kColumns;
}

void AddJobCommands(CLI::App& app, Context& context) {
  CLI::App& job = AddNoun(app, "job", "Submit jobs and follow them");
  AddJobSubmit(job, context);
  AddGet(job, context);
  AddJobList(job, context);
  AddJobFollow(job, context);
  AddJobPreview(job, context);
  AddChanges(job, context);
}

}  // namespace sheaf::cli
