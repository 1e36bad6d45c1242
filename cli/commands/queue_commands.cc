// `sheaf queue`.
#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/support/errors.h"
#include "cli/support/field_text.h"
#include "cli/support/flag_values.h"
#include "cli/support/tree.h"
#include "queue/queue_settings.h"
#include "sheaf/v1/queue_service.pb.h"

namespace sheaf::cli {
namespace {

// "RUN DURATION MAX" of run_duration_max.
std::string TitleOf(std::string_view setting) {
  std::string title = absl::AsciiStrToUpper(std::string(setting));
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

const std::vector<Column>& QueueColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = [] {
    auto* columns = new std::vector<Column>{
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
    };
    ForEachQueueSetting([&](const auto& setting) {
      const std::string path = absl::StrCat("settings.", ToAbsl(setting.name));
      const bool shown =
          std::any_of(columns->begin(), columns->end(),
                      [&](const Column& each) { return each.value == path; });
      if (shown) return;
      columns->push_back({TitleOf(setting.name), path, Style::kPlain, true});
    });
    columns->push_back({"REVISION", "revision", Style::kPlain, true});
    return columns;
  }();
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

struct SettingsArgs {
  std::string name;
  // The texts of the settings' flags, in the order of their table.
  std::array<std::string, kQueueSettingCount> texts;
  std::string etag;
};

// Sets one setting. "forever" is the word for its zero, "never" and "any" are
// those for its absence.
absl::Status ReadSetting(std::string_view name, std::string_view flag,
                         const std::string& text, v1::QueueSettings* settings) {
  if (text == "never" || text == "any") return absl::OkStatus();
  const auto& field =
      *v1::QueueSettings::descriptor()->FindFieldByName(std::string(name));
  return SetFieldText(field, flag, text == "forever" ? "0s" : text, settings);
}

// Puts the settings that were given into `settings`, and their fields into
// `mask`.
absl::Status ReadSettings(const SettingsArgs& args, v1::QueueSettings* settings,
                          google::protobuf::FieldMask* mask) {
  absl::Status status;
  size_t place = 0;
  ForEachQueueSetting([&](const auto& setting) {
    const std::string& text = args.texts[place++];
    if (text.empty()) return;
    status.Update(ReadSetting(setting.name, setting.flag, text, settings));
    mask->add_paths(std::string(setting.name));
  });
  return status;
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
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(),
                         context.QueueOrUsual(args.name));
  SHEAF_RETURN_IF_ERROR(ReadSettings(args, request.mutable_settings(),
                                     request.mutable_update_mask()));
  if (request.update_mask().paths().empty()) {
    return UsageError("no setting was given");
  }
  request.set_etag(args.etag);
  return CallAndShow(context, "sheaf.v1.QueueService/UpdateQueue", request);
}

absl::Status ShowQueue(Context& context, const std::string& name) {
  v1::GetQueueRequest request;
  request.set_name(name);
  return CallAndShow(context, "sheaf.v1.QueueService/GetQueue", request);
}

absl::Status RunQueueGet(Context& context, NameArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::string name,
                         context.QueueOrUsual(args.name));
  return ShowQueue(context, name);
}

absl::Status RunQueueList(Context& context, NoArgs&) {
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
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(),
                         context.QueueOrUsual(args.name));
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
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(),
                         context.QueueOrUsual(args.name));
  request.set_actor(ActorOr(context, args.actor));
  const absl::Status status =
      CallAndShow(context, "sheaf.v1.QueueService/ResumeQueue", request);
  if (ReasonOf(status) != "QUEUE_NOT_PAUSED") return status;
  // It is as the user wants it.
  context.Say(absl::StrCat(request.name(), " was active already."));
  return ShowQueue(context, request.name());
}

absl::Status RunQueueDrain(Context& context, StopArgs& args) {
  v1::DrainQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(),
                         context.QueueOrUsual(args.name));
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

absl::Status RunQueueDelete(Context& context, NameArgs& args) {
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

// A queue that need not be named. Verbs that destroy need its name.
void AddQueue(CLI::App* verb, std::string* name, const std::string& help) {
  AddValue(verb, "queue", name, "QUEUE", absl::StrCat(help, " [default]"));
}

void AddSettings(CLI::App* verb, SettingsArgs* args) {
  size_t place = 0;
  ForEachQueueSetting([&](const auto& setting) {
    AddValue(verb, std::string(setting.flag), &args->texts[place++],
             std::string(setting.value), std::string(setting.help));
  });
}

void AddStops(CLI::App& queue, Context& context) {
  const auto [pause, pause_args] =
      AddVerb(queue, context, "pause", "Hand out no more runs", &RunPause);
  AddQueue(pause, &pause_args->name, "Queue to pause");
  AddValue(pause, "--reason", &pause_args->reason, "TEXT", "Reason to record");
  AddValue(pause, "--actor", &pause_args->actor, "TEXT",
           "Your name to record [$USER]");
  AddValue(pause, "--resume-at", &pause_args->resume_at, "TIME",
           "Resume by itself at this time: +5m or RFC 3339");
  pause->add_flag("--now", pause_args->now,
                  "Also hand running runs back at their next step");
  const auto [resume, resume_args] =
      AddVerb(queue, context, "resume",
              "End a pause or a drain; an active queue stays so", &RunResume);
  AddQueue(resume, &resume_args->name, "Queue to resume");
  AddValue(resume, "--actor", &resume_args->actor, "TEXT",
           "Your name to record [$USER]");
  const auto [drain, drain_args] =
      AddVerb(queue, context, "drain", "Take no new jobs, finish the present",
              &RunQueueDrain);
  AddQueue(drain, &drain_args->name, "Queue to drain");
  AddValue(drain, "--reason", &drain_args->reason, "TEXT", "Reason to record");
  AddValue(drain, "--actor", &drain_args->actor, "TEXT",
           "Your name to record [$USER]");
}

}  // namespace

void AddQueueCommands(CLI::App& app, Context& context) {
  CLI::App& queue = AddNoun(app, "queue", "Show and control queues");
  AddVerb(queue, context, "list", "List queues", &RunQueueList);
  const auto [get, get_args] =
      AddVerb(queue, context, "get", "Show a queue", &RunQueueGet);
  AddQueue(get, &get_args->name, "Queue to show");
  const auto [create, create_args] =
      AddVerb(queue, context, "create", "Make a queue", &RunCreate);
  AddName(create, "queue", &create_args->name, "QUEUE", "Name of the queue");
  AddSettings(create, create_args);
  const auto [set, set_args] =
      AddVerb(queue, context, "set", "Change a queue's settings", &RunSet);
  AddQueue(set, &set_args->name, "Queue to change");
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
              "Remove a queue without unfinished runs", &RunQueueDelete);
  AddName(remove, "queue", &remove_args->name, "QUEUE", "Queue to delete");
}

}  // namespace sheaf::cli
