#include "cli/commands/job/follow.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/events.h"
#include "cli/commands/job/job_commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/job_progress.h"
#include "cli/support/progress_bar.h"
#include "cli/support/states.h"
#include "cli/support/tree.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {
namespace {

// A job's counts are read again at most this often.
constexpr absl::Duration kRefresh = absl::Milliseconds(250);
// One WaitJob call; the server allows ten minutes.
constexpr absl::Duration kWaitCall = absl::Seconds(30);
// `job wait` gives up on a server that is away for longer (a restart, say).
constexpr absl::Duration kAwayMax = absl::Minutes(1);

// A job while it is watched: its last known state and its runs' steps.
class Follower {
 public:
  Follower(Context& context, Client& client, bool print_events)
      : context_(context),
        client_(client),
        print_events_(print_events),
        has_bar_(context.environment().err_is_terminal && !context.quiet),
        bar_(has_bar_ ? &context.err() : nullptr) {}

  absl::Status Refresh(const std::string& name) {
    v1::GetJobRequest request;
    request.set_name(name);
    const int before = EndedRuns(job_);
    SHEAF_ASSIGN_OR_RETURN(
        job_, client_.Call<v1::Job>("sheaf.v1.JobService/GetJob", request));
    refresh_time_ = absl::Now();
    if (!has_bar_ && !print_events_ && EndedRuns(job_) != before) {
      context_.Say(absl::StrCat(name, ": ", CountsText(job_)));
    }
    Draw();
    return absl::OkStatus();
  }

  // False once it needs no more messages.
  bool Take(const v1::WatchEventsResponse& message) {
    running_.Take(message);
    stale_ = stale_ || message.has_event() || message.has_resync();
    Print(message);
    const bool ended = message.event().ended_jobs_size() > 0;
    // Counting events here would count the events between the snapshot and the
    // stream twice; the server's own counts are always right.
    if (stale_ && (ended || message.has_heartbeat() || message.has_resync() ||
                   absl::Now() - refresh_time_ > kRefresh)) {
      stale_ = false;
      status_ = Refresh(job_.name());
    }
    Draw();
    return status_.ok() && !HasEnded(job_) && context_.out();
  }

  const v1::Job& job() const { return job_; }
  const absl::Status& status() const { return status_; }

 private:
  void Print(const v1::WatchEventsResponse& message) {
    const bool shown =
        message.has_event() || (message.has_progress() && !has_bar_);
    if (!print_events_ || !shown) return;
    bar_.Clear();
    PrintEvent(context_, message);
  }

  void Draw() {
    const absl::Time now = absl::Now();
    const double done = EndedRuns(job_) + running_.done();
    const int total = std::max(1, job_.run_count());
    std::string text = CountsText(job_);
    const std::string steps = running_.Text(now);
    if (!steps.empty()) absl::StrAppend(&text, ": ", steps);
    bar_.Draw(done / total, text, now);
  }

  Context& context_;
  Client& client_;
  bool print_events_;
  bool has_bar_;
  ProgressBar bar_;
  v1::Job job_;
  RunningRuns running_;
  bool stale_ = false;
  absl::Time refresh_time_ = absl::InfinitePast();
  absl::Status status_;
};

struct WaitArgs {
  std::vector<std::string> names;
  std::string longest;
};

struct WatchArgs {
  std::string name;
};

// Waits for one job until `deadline`; rides out a restart of the server.
absl::StatusOr<v1::Job> WaitForJob(Context& context, const std::string& name,
                                   absl::Time deadline) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  bool answered = false;
  absl::Time away_since = absl::InfiniteFuture();
  while (true) {
    const absl::Time now = absl::Now();
    const absl::Duration wait =
        std::clamp(deadline - now, absl::ZeroDuration(), kWaitCall);
    v1::WaitJobRequest request;
    request.set_name(name);
    *request.mutable_timeout() = ToProto(wait);
    auto job =
        client->Call<v1::Job>("sheaf.v1.JobService/WaitJob", request, wait);
    if (job.ok()) {
      if (HasEnded(*job)) return job;
      answered = true;
      away_since = absl::InfiniteFuture();
    } else {
      const bool passing = absl::IsUnavailable(job.status());
      away_since = std::min(away_since, now);
      if (!passing || !answered || absl::Now() - away_since > kAwayMax) {
        return job;
      }
      absl::SleepFor(absl::Seconds(1));
    }
    if (absl::Now() >= deadline) {
      return WithExitCode(
          absl::UnknownError(absl::StrCat(name, " has not ended yet")),
          kExitUnavailable);
    }
  }
}

absl::Status RunWait(Context& context, WaitArgs& args) {
  absl::Time deadline = absl::InfiniteFuture();
  if (!args.longest.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto longest, ParseDuration(args.longest));
    deadline = absl::Now() + longest;
  }
  std::vector<std::string> names;
  for (const std::string& name : args.names) {
    SHEAF_ASSIGN_OR_RETURN(names.emplace_back(), JobName(name));
  }
  v1::ListJobsResponse ended;
  absl::Status outcome;
  for (const std::string& name : names) {
    SHEAF_ASSIGN_OR_RETURN(v1::Job job, WaitForJob(context, name, deadline));
    outcome.Update(OutcomeOf(job));
    *ended.add_jobs() = std::move(job);
  }
  context.MakePrinter().List(ended, "jobs", JobColumns());
  return outcome;
}

absl::Status RunWatch(Context& context, WatchArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::string name, JobName(args.name));
  SHEAF_ASSIGN_OR_RETURN(const v1::Job job,
                         FollowJob(context, name, /*print_events=*/true));
  const absl::Status outcome = OutcomeOf(job);
  if (outcome.ok()) {
    context.Say(absl::StrCat(name, " ended ", FieldText(job, "state"),
                             ". Its pictures: sheaf job get ", JobIdText(name),
                             " --download DIR"));
  }
  return outcome;
}

}  // namespace

bool HasEnded(const v1::Job& job) { return IsFinalState(job.state()); }

absl::Status OutcomeOf(const v1::Job& job) {
  if (job.state() != v1::JOB_STATE_FAILED) return absl::OkStatus();
  return WithExitCode(
      absl::UnknownError(absl::StrCat(
          job.name(), " ended failed: ", job.run_counts().failed(), " of ",
          job.run_count(), " runs. See why: sheaf job get ",
          JobIdText(job.name()))),
      kExitJobFailed);
}

absl::StatusOr<v1::Job> FollowJob(Context& context, const std::string& name,
                                  bool print_events) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::WatchEventsRequest request;
  request.set_job(name);
  request.set_progress(true);
  // Reads the number first, then the job: events in between come twice rather
  // than never.
  SHEAF_ASSIGN_OR_RETURN(const int64_t last, LastEventSequence(context));
  request.set_after_sequence(last);
  Follower follower(context, *client, print_events);
  SHEAF_RETURN_IF_ERROR(follower.Refresh(name));
  if (HasEnded(follower.job())) return follower.job();
  SHEAF_RETURN_IF_ERROR(
      ReadEvents(context, request, [&](const v1::WatchEventsResponse& message) {
        return follower.Take(message);
      }));
  SHEAF_RETURN_IF_ERROR(follower.status());
  return follower.job();
}

void AddJobFollow(CLI::App& job, Context& context) {
  const auto [wait, wait_args] =
      AddVerb(job, context, "wait", "Wait until jobs have ended", &RunWait);
  AddNames(wait, "job", &wait_args->names, "JOB", "Jobs to wait for")
      ->required();
  AddValue(wait, "--for", &wait_args->longest, "DURATION",
           "Longest wait; after it, exit with 6");
  wait->footer("Exits 8 if a job ended failed.");
  const auto [watch, watch_args] = AddVerb(
      job, context, "watch", "Follow a job until it has ended", &RunWatch);
  AddName(watch, "job", &watch_args->name, "JOB", "Job to follow");
  watch->footer("Exits 8 if the job ended failed.");
}

}  // namespace sheaf::cli
