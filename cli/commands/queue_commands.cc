// `sheaf queue`.
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/tree.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {
namespace {

const std::vector<Column>& QueueColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"NAME", "name"},
      {"STATE", "state", Style::kState},
      {"QUEUED", "queued_run_count"},
      {"RUNNING", "running_run_count"},
      {"BATCH", "settings.batch_size"},
      {"POLICY", "settings.policy", Style::kState},
      {"PLAN", "plan"},
      {"REASON", "reason"},
      {"BY", "actor", Style::kPlain, true},
      {"SINCE", "pause_time", Style::kAge, true},
      {"RESUMES", "resume_time", Style::kAge, true},
      {"ATTEMPTS", "settings.attempts_max", Style::kPlain, true},
      {"RUNS MAX", "settings.runs_max", Style::kPlain, true},
      {"KEEP SUCCEEDED", "settings.keep_succeeded", Style::kPlain, true},
      {"KEEP FAILED", "settings.keep_failed", Style::kPlain, true},
      {"KEEP CANCELLED", "settings.keep_cancelled", Style::kPlain, true},
      {"RUN DURATION MAX", "settings.run_duration_max", Style::kPlain, true},
      {"REVISION", "revision", Style::kPlain, true},
  };
  return *kColumns;
}

// One call that takes a queue and answers with it.
template <class Request>
absl::Status CallAndShow(Context& context, std::string_view method,
                         const Request& request) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const v1::Queue queue,
                         client->Call<v1::Queue>(method, request));
  context.MakePrinter().One(queue, QueueColumns());
  return absl::OkStatus();
}

struct NameArgs {
  std::string name;
};

struct SettingsArgs {
  std::string name;
  std::string batch_size, attempts, runs_max;
  std::string keep_succeeded, keep_failed, keep_cancelled;
  std::string policy, batch_min, wait_max, threshold, gain_min, twins,
      preempt_from, run_duration_max;
  std::string etag;
};

absl::StatusOr<int64_t> ParseCount(const std::string& text) {
  int64_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < 0 || count > 1000000000000) {
    return UsageError(absl::StrCat("'", text, "' is no whole number"));
  }
  return count;
}

// Cuts `n` to the largest number; the server says if that is too many.
int32_t ToInt32(int64_t n) {
  return static_cast<int32_t>(std::min<int64_t>(n, INT32_MAX));
}

v1::BatchPolicy PolicyOf(const std::string& name) {
  if (name == "adaptive") return v1::BATCH_POLICY_ADAPTIVE;
  if (name == "economic") return v1::BATCH_POLICY_ECONOMIC;
  return name == "auto" ? v1::BATCH_POLICY_AUTO : v1::BATCH_POLICY_OFF;
}

// Puts the settings that were given into `settings`, and their fields into
// `mask`.
absl::Status ReadSettings(const SettingsArgs& args, v1::QueueSettings* settings,
                          google::protobuf::FieldMask* mask) {
  const auto count = [&](const std::string& text, const char* field,
                         const auto& set) -> absl::Status {
    if (text.empty()) return absl::OkStatus();
    SHEAF_ASSIGN_OR_RETURN(const int64_t value, ParseCount(text));
    set(value);
    mask->add_paths(field);
    return absl::OkStatus();
  };
  const auto keep = [&](const std::string& text, const char* field,
                        const auto& mutable_field) -> absl::Status {
    if (text.empty()) return absl::OkStatus();
    // On the wire, a zero duration means for ever.
    SHEAF_ASSIGN_OR_RETURN(const absl::Duration value,
                           ParseDuration(text == "forever" ? "0s" : text));
    *mutable_field() = ToProto(value);
    mask->add_paths(field);
    return absl::OkStatus();
  };
  SHEAF_RETURN_IF_ERROR(count(args.batch_size, "batch_size", [&](int64_t n) {
    settings->set_batch_size(ToInt32(n));
  }));
  SHEAF_RETURN_IF_ERROR(count(args.attempts, "attempts_max", [&](int64_t n) {
    settings->set_attempts_max(ToInt32(n));
  }));
  SHEAF_RETURN_IF_ERROR(count(args.runs_max, "runs_max",
                              [&](int64_t n) { settings->set_runs_max(n); }));
  SHEAF_RETURN_IF_ERROR(keep(args.keep_succeeded, "keep_succeeded", [&] {
    return settings->mutable_keep_succeeded();
  }));
  SHEAF_RETURN_IF_ERROR(keep(args.keep_failed, "keep_failed",
                             [&] { return settings->mutable_keep_failed(); }));
  SHEAF_RETURN_IF_ERROR(keep(args.keep_cancelled, "keep_cancelled", [&] {
    return settings->mutable_keep_cancelled();
  }));
  SHEAF_RETURN_IF_ERROR(count(args.batch_min, "batch_min", [&](int64_t n) {
    settings->set_batch_min(ToInt32(n));
  }));
  SHEAF_RETURN_IF_ERROR(count(args.threshold, "threshold", [&](int64_t n) {
    settings->set_threshold(ToInt32(n));
  }));
  SHEAF_RETURN_IF_ERROR(
      count(args.gain_min, "gain_min_percent",
            [&](int64_t n) { settings->set_gain_min_percent(ToInt32(n)); }));
  SHEAF_RETURN_IF_ERROR(keep(args.wait_max, "wait_max",
                             [&] { return settings->mutable_wait_max(); }));
  SHEAF_RETURN_IF_ERROR(keep(args.run_duration_max, "run_duration_max", [&] {
    return settings->mutable_run_duration_max();
  }));
  if (!args.twins.empty()) {
    settings->set_twins(args.twins == "on");
    mask->add_paths("twins");
  }
  if (!args.preempt_from.empty()) {
    if (args.preempt_from != "never") {
      SHEAF_ASSIGN_OR_RETURN(const v1::Priority priority,
                             ParsePriority(args.preempt_from));
      settings->set_preempt_from(priority);
    }
    mask->add_paths("preempt_from");
  }
  if (!args.policy.empty()) {
    settings->set_policy(PolicyOf(args.policy));
    mask->add_paths("policy");
  }
  return absl::OkStatus();
}

absl::Status RunCreate(Context& context, SettingsArgs& args) {
  v1::CreateQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  google::protobuf::FieldMask unused;
  SHEAF_RETURN_IF_ERROR(
      ReadSettings(args, request.mutable_settings(), &unused));
  SHEAF_RETURN_IF_ERROR(
      CallAndShow(context, "sheaf.v1.QueueService/CreateQueue", request));
  context.Say(absl::StrCat("To submit to it: sheaf job submit --queue ",
                           request.name().substr(7), " --prompt TEXT"));
  return absl::OkStatus();
}

absl::Status RunSet(Context& context, SettingsArgs& args) {
  v1::UpdateQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  SHEAF_RETURN_IF_ERROR(ReadSettings(args, request.mutable_settings(),
                                     request.mutable_update_mask()));
  if (request.update_mask().paths().empty()) {
    return UsageError("no setting was given");
  }
  request.set_etag(args.etag);
  return CallAndShow(context, "sheaf.v1.QueueService/UpdateQueue", request);
}

absl::Status RunGet(Context& context, NameArgs& args) {
  v1::GetQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  return CallAndShow(context, "sheaf.v1.QueueService/GetQueue", request);
}

struct NoArgs {};

absl::Status RunList(Context& context, NoArgs&) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto queues,
      client->Call<v1::ListQueuesResponse>("sheaf.v1.QueueService/ListQueues",
                                           v1::ListQueuesRequest()));
  context.MakePrinter().List(queues, "queues", QueueColumns());
  return absl::OkStatus();
}

struct StopArgs {
  std::string name;
  std::string reason;
  std::string actor;
  std::string resume_at;
  bool now = false;
};

std::string ActorOr(Context& context, const std::string& actor) {
  if (!actor.empty()) return actor;
  return context.environment().variable("USER").value_or("");
}

absl::Status RunPause(Context& context, StopArgs& args) {
  v1::PauseQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  request.set_reason(args.reason);
  request.set_actor(ActorOr(context, args.actor));
  if (args.now) request.set_mode(v1::PAUSE_MODE_NEXT_STEP);
  if (!args.resume_at.empty()) {
    SHEAF_ASSIGN_OR_RETURN(const auto time,
                           ParseTime(args.resume_at, absl::Now()));
    *request.mutable_resume_time() = ToProto(time);
  }
  SHEAF_RETURN_IF_ERROR(
      CallAndShow(context, "sheaf.v1.QueueService/PauseQueue", request));
  context.Say(absl::StrCat(
      "The queue hands out nothing now. To go on: sheaf queue resume ",
      request.name().substr(7)));
  return absl::OkStatus();
}

absl::Status RunResume(Context& context, StopArgs& args) {
  v1::ResumeQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  request.set_actor(ActorOr(context, args.actor));
  return CallAndShow(context, "sheaf.v1.QueueService/ResumeQueue", request);
}

absl::Status RunDrain(Context& context, StopArgs& args) {
  v1::DrainQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  request.set_reason(args.reason);
  request.set_actor(ActorOr(context, args.actor));
  SHEAF_RETURN_IF_ERROR(
      CallAndShow(context, "sheaf.v1.QueueService/DrainQueue", request));
  context.Say(absl::StrCat(
      "The queue refuses new jobs now. To take them again: sheaf queue resume ",
      request.name().substr(7)));
  return absl::OkStatus();
}

struct PurgeArgs {
  std::string name;
  std::string actor;
  bool dry_run = false;
};

absl::Status RunPurge(Context& context, PurgeArgs& args) {
  v1::PurgeQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  request.set_actor(ActorOr(context, args.actor));
  request.set_validate_only(true);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  const auto purge = [&] {
    return client->Call<v1::PurgeQueueResponse>(
        "sheaf.v1.QueueService/PurgeQueue", request);
  };
  // Counted first, so that the question says what is at stake.
  SHEAF_ASSIGN_OR_RETURN(auto response, purge());
  if (!args.dry_run) {
    SHEAF_RETURN_IF_ERROR(context.Confirm(
        absl::StrCat("Cancel all ", response.run_count(), " waiting runs of ",
                     request.name(), "?")));
    request.set_validate_only(false);
    SHEAF_ASSIGN_OR_RETURN(response, purge());
  }
  context.MakePrinter().One(response, {{"RUNS", "run_count"}});
  if (args.dry_run) context.Say("Dry run: nothing was changed.");
  return absl::OkStatus();
}

absl::Status RunDelete(Context& context, NameArgs& args) {
  v1::DeleteQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), QueueName(args.name));
  SHEAF_RETURN_IF_ERROR(
      context.Confirm(absl::StrCat("Delete ", request.name(), "?")));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_RETURN_IF_ERROR(client
                            ->Call<v1::DeleteQueueResponse>(
                                "sheaf.v1.QueueService/DeleteQueue", request)
                            .status());
  context.Say(absl::StrCat("Deleted ", request.name(), "."));
  return absl::OkStatus();
}

void AddSettings(CLI::App* verb, SettingsArgs* args) {
  AddName(verb, "queue", &args->name, "QUEUE", "Name of the queue");
  AddValue(verb, "--batch-size", &args->batch_size, "NUMBER",
           "Most runs in one batch");
  AddValue(verb, "--attempts", &args->attempts, "NUMBER",
           "Most attempts for each run");
  AddValue(verb, "--runs-max", &args->runs_max, "NUMBER",
           "Most unfinished runs; 0: no limit");
  AddValue(verb, "--keep-succeeded", &args->keep_succeeded, "DURATION",
           "How long to keep jobs that succeeded, or forever");
  AddValue(verb, "--keep-failed", &args->keep_failed, "DURATION",
           "How long to keep jobs that failed, or forever");
  AddValue(verb, "--keep-cancelled", &args->keep_cancelled, "DURATION",
           "How long to keep jobs that were cancelled, or forever");
  AddValue(verb, "--policy", &args->policy, "off|adaptive|economic|auto",
           "How to batch runs that are in no plan");
  AddValue(verb, "--wait-max", &args->wait_max, "DURATION",
           "Longest time that a run waits for company (adaptive, economic)");
  AddValue(verb, "--batch-min", &args->batch_min, "NUMBER",
           "A batch of fewer runs waits as long as it may (adaptive)");
  AddValue(verb, "--threshold", &args->threshold, "NUMBER",
           "Number of waiting runs at which waits shrink (adaptive) or plans "
           "are made (auto)");
  AddValue(verb, "--twins", &args->twins, "on|off",
           "Let runs that ask for the very same picture share it [off]");
  AddValue(verb, "--preempt-from", &args->preempt_from,
           "low|normal|high|urgent|never",
           "Waiting runs from this priority on take the place of lower ones if "
           "no worker is free [never]");
  AddValue(verb, "--run-duration-max", &args->run_duration_max, "DURATION",
           "Longest time that an attempt of a run may take; 0s: no limit [0s]");
  AddValue(verb, "--gain-min", &args->gain_min, "PERCENT",
           "Execute no plan that gains less (auto)");
}

void AddStops(CLI::App& queue, Context& context) {
  const auto [pause, pause_args] =
      AddVerb(queue, context, "pause", "Hand out no more runs", &RunPause);
  AddName(pause, "queue", &pause_args->name, "QUEUE", "Queue to pause");
  AddValue(pause, "--reason", &pause_args->reason, "TEXT", "Reason to record");
  AddValue(pause, "--actor", &pause_args->actor, "TEXT",
           "Your name to record [$USER]");
  AddValue(pause, "--resume-at", &pause_args->resume_at, "TIME",
           "Resume by itself at this time: +5m or RFC 3339");
  pause->add_flag("--now", pause_args->now,
                  "Also hand running runs back at their next step");
  const auto [resume, resume_args] =
      AddVerb(queue, context, "resume", "End a pause or a drain", &RunResume);
  AddName(resume, "queue", &resume_args->name, "QUEUE", "Queue to resume");
  AddValue(resume, "--actor", &resume_args->actor, "TEXT",
           "Your name to record [$USER]");
  const auto [drain, drain_args] =
      AddVerb(queue, context, "drain", "Take no new jobs, finish the present",
              &RunDrain);
  AddName(drain, "queue", &drain_args->name, "QUEUE", "Queue to drain");
  AddValue(drain, "--reason", &drain_args->reason, "TEXT", "Reason to record");
  AddValue(drain, "--actor", &drain_args->actor, "TEXT",
           "Your name to record [$USER]");
}

}  // namespace

void AddQueueCommands(CLI::App& app, Context& context) {
  CLI::App& queue = AddNoun(app, "queue", "Show and control queues");
  AddVerb(queue, context, "list", "List queues", &RunList);
  const auto [get, get_args] =
      AddVerb(queue, context, "get", "Show a queue", &RunGet);
  AddName(get, "queue", &get_args->name, "QUEUE", "Queue to show");
  const auto [create, create_args] =
      AddVerb(queue, context, "create", "Make a queue", &RunCreate);
  AddSettings(create, create_args);
  const auto [set, set_args] =
      AddVerb(queue, context, "set", "Change a queue's settings", &RunSet);
  AddSettings(set, set_args);
  AddValue(set, "--etag", &set_args->etag, "ETAG",
           "Change it only if it still has this etag");
  AddStops(queue, context);
  const auto [purge, purge_args] = AddVerb(
      queue, context, "purge", "Cancel all waiting runs of a queue", &RunPurge);
  AddName(purge, "queue", &purge_args->name, "QUEUE", "Queue to purge");
  AddValue(purge, "--actor", &purge_args->actor, "TEXT",
           "Your name to record [$USER]");
  purge->add_flag("--dry-run", purge_args->dry_run,
                  "Only count, cancel nothing");
  const auto [remove, remove_args] =
      AddVerb(queue, context, "delete",
              "Remove a queue without unfinished runs", &RunDelete);
  AddName(remove, "queue", &remove_args->name, "QUEUE", "Queue to delete");
}

}  // namespace sheaf::cli
