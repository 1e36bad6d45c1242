#include "cli/commands/events.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/job_progress.h"
#include "cli/support/output.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::cli {
namespace {

// Servers end a stream after about ten minutes; so do we.
constexpr absl::Duration kStreamDeadline = absl::Minutes(10);
constexpr absl::Duration kReconnectMax = absl::Minutes(1);
constexpr absl::Duration kReconnectPause = absl::Seconds(1);

void Remember(const v1::WatchEventsResponse& message,
              v1::WatchEventsRequest* request) {
  switch (message.kind_case()) {
    case v1::WatchEventsResponse::kEvent:
      return request->set_after_sequence(message.event().sequence());
    case v1::WatchEventsResponse::kHeartbeat:
      return request->set_after_sequence(message.heartbeat().sequence());
    case v1::WatchEventsResponse::kResync:
      return request->set_after_sequence(message.resync().sequence());
    default:
      return;
  }
}

bool IsBreak(const absl::Status& status) {
  return status.ok() || absl::IsUnavailable(status) ||
         absl::IsDeadlineExceeded(status);
}

struct EventsArgs {
  std::optional<int64_t> after;
  std::string queue;
  std::string job;
  bool progress = false;
  bool no_follow = false;
  int64_t limit = 0;
};

// Whether the event is about the queue and the job that are named.
bool IsAbout(const v1::Event& event, const std::string& queue,
             const std::string& job) {
  if (!queue.empty() && event.queue() != queue) return false;
  if (job.empty() || event.job() == job) return true;
  const std::string runs = absl::StrCat(job, "/");
  return std::any_of(event.runs().begin(), event.runs().end(),
                     [&](const v1::RunChange& change) {
                       return absl::StartsWith(change.run(), runs);
                     });
}

// Prints the events up to the last one that there is now. A stream of one queue
// or job says only every 15 seconds how far it has come, so this one is of all
// events, and those of others are left out here.
absl::Status PrintPresent(Context& context, v1::WatchEventsRequest request,
                          int64_t limit) {
  SHEAF_ASSIGN_OR_RETURN(const int64_t last, LastEventSequence(context));
  // After -1 there is only what is to come.
  if (request.after_sequence() < 0 || request.after_sequence() >= last) {
    return absl::OkStatus();
  }
  const std::string queue = request.queue();
  const std::string job = request.job();
  request.clear_queue();
  request.clear_job();
  int64_t count = 0;
  v1::WatchEventsRequest reached;
  return ReadEvents(context, request, [&](const auto& message) {
    if (message.has_resync() || IsAbout(message.event(), queue, job)) {
      PrintEvent(context, message);
      if (message.has_event()) ++count;
    }
    Remember(message, &reached);
    return context.out() && (limit == 0 || count < limit) &&
           reached.after_sequence() < last;
  });
}

absl::Status RunEvents(Context& context, EventsArgs& args) {
  v1::WatchEventsRequest request;
  // Without a number: what is to come, or, where nothing is waited for, all.
  request.set_after_sequence(args.after.value_or(args.no_follow ? 0 : -1));
  request.set_progress(args.progress);
  if (!args.queue.empty()) {
    SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(), QueueName(args.queue));
  }
  if (!args.job.empty()) {
    SHEAF_ASSIGN_OR_RETURN(*request.mutable_job(), JobName(args.job));
  }
  if (args.no_follow) {
    if (args.progress) {
      return UsageError("--no-follow and --progress exclude each other");
    }
    return PrintPresent(context, std::move(request), args.limit);
  }
  if (request.after_sequence() == -1) {
    // The stream goes on from this number if the connection breaks before the
    // first event.
    SHEAF_ASSIGN_OR_RETURN(const int64_t last, LastEventSequence(context));
    request.set_after_sequence(last);
  }
  int64_t count = 0;
  return ReadEvents(context, request, [&](const auto& message) {
    PrintEvent(context, message);
    if (message.has_event()) ++count;
    return context.out() && (args.limit == 0 || count < args.limit);
  });
}

}  // namespace

absl::StatusOr<int64_t> LastEventSequence(Context& context) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto info,
      client->Call<v1::ServerInfo>("sheaf.v1.AdminService/GetServerInfo",
                                   v1::GetServerInfoRequest()));
  return info.last_event_sequence();
}

absl::Status ReadEvents(
    Context& context, v1::WatchEventsRequest request,
    const std::function<bool(const v1::WatchEventsResponse&)>& each) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  bool was_connected = false;
  absl::Time lost_time = absl::InfiniteFuture();
  while (true) {
    bool stopped = false;
    v1::WatchEventsResponse message;
    const absl::Status status =
        client->ReadStream("sheaf.v1.JobService/WatchEvents", request,
                           kStreamDeadline, &message, [&] {
                             was_connected = true;
                             lost_time = absl::InfiniteFuture();
                             Remember(message, &request);
                             stopped = !each(message);
                             return !stopped;
                           });
    if (stopped) return absl::OkStatus();
    if (!IsBreak(status)) return status;
    if (absl::IsUnavailable(status)) {
      if (!was_connected) return status;
      const absl::Time now = absl::Now();
      if (lost_time == absl::InfiniteFuture()) {
        context.Say("The connection was lost; trying again.");
      }
      lost_time = std::min(lost_time, now);
      if (now - lost_time > kReconnectMax) return status;
    }
    absl::SleepFor(kReconnectPause);
  }
}

std::string EventText(const v1::Event& event) {
  std::string text =
      absl::StrCat(FieldText(event, "time"), "  ", event.sequence(), "  ",
                   FieldText(event, "type"));
  for (const char* field : {"job", "queue", "batch", "worker"}) {
    const std::string value = FieldText(event, field);
    if (!value.empty()) absl::StrAppend(&text, "  ", value);
  }
  for (const v1::RunChange& run : event.runs()) {
    absl::StrAppend(&text, "  ", FieldText(run, "run"), "=",
                    FieldText(run, "state"));
    const std::string error = FieldText(run, "error_class");
    if (!error.empty()) absl::StrAppend(&text, "(", error, ")");
  }
  for (const v1::JobEnd& job : event.ended_jobs()) {
    absl::StrAppend(&text, "  ", FieldText(job, "job"), " ended ",
                    FieldText(job, "state"));
  }
  for (const char* field : {"actor", "reason"}) {
    const std::string value = FieldText(event, field);
    if (!value.empty()) absl::StrAppend(&text, "  ", field, ": ", value);
  }
  return text;
}

void PrintEvent(Context& context, const v1::WatchEventsResponse& message) {
  if (message.has_heartbeat()) return;
  const Format format = FormatFromText(context.Setting("output"));
  if (format == Format::kJson || format == Format::kJsonl) {
    // Always one line each: a stream has no end at which to close a list.
    context.out() << ToJson(message, /*pretty=*/false) << std::endl;
  } else if (message.has_resync()) {
    context.Say(absl::StrCat("Some events were missed: ",
                             FieldText(message, "resync.reason")));
  } else if (message.has_event()) {
    context.out() << (format == Format::kName ? FieldText(message, "event.job")
                                              : EventText(message.event()))
                  << std::endl;
  } else {
    context.out() << FieldText(message, "progress.run") << "  "
                  << ProgressText(message.progress().progress(), absl::Now())
                  << std::endl;
  }
}

void AddEventsCommand(CLI::App& app, Context& context) {
  const auto [verb, args] =
      AddVerb(app, context, "events",
              "Print the server's events in order, as they happen", &RunEvents);
  verb->add_option("--after", args->after,
                   "Begin after the event of this number; 0: at the oldest "
                   "kept; -1: now [-1, or 0 with --no-follow]")
      ->type_name("NUMBER");
  AddValue(verb, "--queue", &args->queue, "QUEUE", "Only events of this queue");
  AddValue(verb, "--job", &args->job, "JOB", "Only events of this job");
  verb->add_flag("--progress", args->progress,
                 "Also show the steps of running runs");
  verb->add_flag("--no-follow", args->no_follow,
                 "Print the events so far and leave, instead of waiting for "
                 "more");
  verb->add_option("--limit", args->limit, "Stop after this many events")
      ->type_name("NUMBER");
  verb->footer("Example: sheaf events --no-follow --job 42 --limit 40");
}

}  // namespace sheaf::cli
