// `sheaf batch analyze|preview|execute|undo|explain`: regrouping a queue.
#include <ostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/commands/watch.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/plan_names.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {
namespace {

constexpr char kService[] = "sheaf.v1.BatchingService/";

std::vector<Column> PlanColumns() {
  return {{"NAME", "name"},
          {"QUEUE", "queue"},
          {"STATE", "state"},
          {"MODE", "mode"},
          {"RUNS", "run_count"},
          {"JOBS", "job_count"},
          {"BATCHES", "batch_count"},
          {"GAIN", "gain"},
          {"AGE", "create_time", Column::Style::kAge}};
}

bool IsActive(const v1::Plan& plan) {
  return plan.state() == v1::PLAN_STATE_ACTIVE;
}
bool WasExecuted(const v1::Plan& plan) { return plan.has_execute_time(); }

struct AnalyzeArgs {
  std::string queue = "default";
  std::string mode = "best";
  std::string planner = "optimal";
  std::string signature = "minimal";
  std::string estimator = "model";
  std::string batch_size;
  std::string interval = "5s";
  bool live = false;
  bool watch = false;
};

absl::StatusOr<v1::AnalyzeQueueRequest> RequestOf(const AnalyzeArgs& args) {
  v1::AnalyzeQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(), QueueName(args.queue));
  request.set_mode(args.mode == "strict"  ? v1::BATCHING_MODE_STRICT
                   : args.mode == "mixed" ? v1::BATCHING_MODE_MIXED
                                          : v1::BATCHING_MODE_BEST);
  if (args.planner == "greedy") request.set_planner(v1::PLANNER_KIND_GREEDY);
  if (args.signature == "conservative") {
    request.set_signature(v1::SIGNATURE_KIND_CONSERVATIVE);
  }
  int batch_size = 0;
  if (!args.batch_size.empty() &&
      !absl::SimpleAtoi(args.batch_size, &batch_size)) {
    return UsageError(
        absl::StrCat("--batch-size cannot be '", args.batch_size, "'"));
  }
  request.set_batch_size(batch_size);
  request.set_live(args.live || args.watch);
  if (args.estimator == "heuristic") {
    request.set_estimator(v1::ESTIMATOR_KIND_HEURISTIC);
  }
  return request;
}

absl::Status RunAnalyze(Context& context, AnalyzeArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const auto request, RequestOf(args));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  const auto ask = [&] {
    return client->Call<v1::AnalyzeQueueResponse>(
        absl::StrCat(kService, "AnalyzeQueue"), request, kLongWork);
  };
  if (args.watch) {
    return DrawAgainAndAgain(context, args.interval, [&]() -> absl::Status {
      SHEAF_ASSIGN_OR_RETURN(const auto answer, ask());
      if (!context.IsForPeople()) {
        context.out() << ToJson(answer, /*pretty=*/false) << '\n';
        return absl::OkStatus();
      }
      if (context.environment().out_is_terminal) ClearScreen(context);
      context.out() << PrintableLines(
          answer.has_plan() ? answer.plan().text() : answer.message() + ".\n");
      return absl::OkStatus();
    });
  }
  SHEAF_ASSIGN_OR_RETURN(const auto answer, ask());
  if (!context.IsForPeople()) {
    context.MakePrinter().One(answer, {});
    return absl::OkStatus();
  }
  if (!answer.has_plan()) {
    context.Say(absl::StrCat(answer.message(), "."));
    return absl::OkStatus();
  }
  context.out() << PrintableLines(answer.plan().text());
  context.Say(absl::StrCat("To execute it: sheaf batch execute ",
                           answer.plan().name()));
  return absl::OkStatus();
}

struct PlanArgs {
  std::string plan;
  std::string queue = "default";
  std::string request_id;
  bool unchanged = false;
};

absl::Status RunPlanPreview(Context& context, PlanArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::GetPlanRequest request;
  SHEAF_ASSIGN_OR_RETURN(
      *request.mutable_name(),
      PlanOrNewest(client, args.plan, args.queue, IsAnyPlan, "is kept"));
  SHEAF_ASSIGN_OR_RETURN(
      const auto plan,
      client->Call<v1::Plan>(absl::StrCat(kService, "GetPlan"), request));
  if (context.IsForPeople()) {
    context.out() << PrintableLines(plan.text());
  } else {
    context.MakePrinter().One(plan, PlanColumns());
  }
  return absl::OkStatus();
}

absl::Status RunExecute(Context& context, PlanArgs& args) {
  v1::ExecutePlanRequest request;
  if (!args.plan.empty()) request.set_name(PlanName(args.plan));
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(), QueueName(args.queue));
  request.set_request_id(args.request_id);
  request.set_unchanged(args.unchanged);
  request.set_actor(context.environment().variable("USER").value_or(""));
  SHEAF_RETURN_IF_ERROR(context.Confirm(absl::StrCat(
      "Regroup the waiting runs of ", request.queue(), " by ",
      args.plan.empty() ? "its newest plan" : request.name(), "?")));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto answer,
                         client->Call<v1::ExecutePlanResponse>(
                             absl::StrCat(kService, "ExecutePlan"), request));
  if (context.IsForPeople()) {
    context.out() << PrintableLines(answer.message()) << "\n";
  } else {
    context.MakePrinter().One(answer.plan(), PlanColumns());
  }
  context.Say(absl::StrCat("To undo it: sheaf batch undo ",
                           answer.plan().name(),
                           ", until the first of its batches starts."));
  return absl::OkStatus();
}

absl::Status RunUndo(Context& context, PlanArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::UndoPlanRequest request;
  SHEAF_ASSIGN_OR_RETURN(
      *request.mutable_name(),
      PlanOrNewest(client, args.plan, args.queue, IsActive, "is in force"));
  request.set_actor(context.environment().variable("USER").value_or(""));
  SHEAF_ASSIGN_OR_RETURN(
      const auto plan,
      client->Call<v1::Plan>(absl::StrCat(kService, "UndoPlan"), request));
  context.MakePrinter().One(plan, PlanColumns());
  return absl::OkStatus();
}

std::vector<Column> ReportColumns() {
  return {{"NAME", "name"},
          {"STATE", "state"},
          {"BATCHES", "batch_count"},
          {"PREDICTED", "predicted.time"},
          {"AT LEAST", "predicted.low"},
          {"AT MOST", "predicted.high"},
          {"MEASURED BATCHES", "measured_batch_count"},
          {"BY THE PROFILE", "measured_predicted"},
          {"TOOK", "measured_actual"},
          {"PROFILE", "profile"}};
}

absl::Status RunReport(Context& context, PlanArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::GetPlanRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(),
                         PlanOrNewest(client, args.plan, args.queue,
                                      WasExecuted, "has been executed"));
  SHEAF_ASSIGN_OR_RETURN(
      const auto plan,
      client->Call<v1::Plan>(absl::StrCat(kService, "GetPlan"), request));
  context.MakePrinter().One(plan, ReportColumns());
  if (plan.measured_batch_count() == 0) {
    context.Say("None of its batches has run as planned yet.");
  }
  return absl::OkStatus();
}

absl::Status RunProfile(Context& context, NoArgs&) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto profile,
      client->Call<v1::BatchProfile>(absl::StrCat(kService, "GetBatchProfile"),
                                     v1::GetBatchProfileRequest()));
  if (!context.IsForPeople()) {
    context.MakePrinter().One(profile, {});
    return absl::OkStatus();
  }
  context.out() << "Plans are priced by the profile " << profile.name() << ":\n"
                << profile.json() << "\n\n";
  if (profile.calibrations().empty()) {
    context.out() << "No batch has been measured yet.\n";
    return absl::OkStatus();
  }
  context.MakePrinter().List(profile, "calibrations",
                             {{"DEVICE", "device"},
                              {"MODEL", "model"},
                              {"WIDTH", "width"},
                              {"HEIGHT", "height"},
                              {"CONTROLS", "control_count"},
                              {"BATCHES", "batch_count"},
                              {"CALIBRATED", "calibrated"},
                              {"TIMES", "correction"},
                              {"LOW", "low"},
                              {"HIGH", "high"},
                              {"MEMORY", "recommendation"}});
  return absl::OkStatus();
}

struct ForgetArgs {
  std::string name;
  bool all = false;
};

absl::Status RunForget(Context& context, ForgetArgs& args) {
  if (args.all == !args.name.empty()) {
    return absl::InvalidArgumentError(
        "give either a model or device, or --all");
  }
  v1::ForgetLearnedRequest request;
  request.set_name(args.name);
  request.set_all(args.all);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto answer,
                         client->Call<v1::ForgetLearnedResponse>(
                             absl::StrCat(kService, "ForgetLearned"), request));
  if (!context.IsForPeople()) {
    context.MakePrinter().One(answer, {});
    return absl::OkStatus();
  }
  context.out() << "Forgot the learned figures of " << answer.work_count()
                << (answer.work_count() == 1 ? " kind" : " kinds")
                << " of work.\n";
  return absl::OkStatus();
}

absl::Status RunPlanList(Context& context, PlanArgs& args) {
  v1::ListPlansRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(), QueueName(args.queue));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto plans,
                         client->Call<v1::ListPlansResponse>(
                             absl::StrCat(kService, "ListPlans"), request));
  context.MakePrinter().List(plans, "plans", PlanColumns());
  return absl::OkStatus();
}

struct ExplainArgs {
  std::string run;
  std::string other;
};

absl::Status RunExplain(Context& context, ExplainArgs& args) {
  v1::ExplainRunRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_run(), RunName(args.run));
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_other(), RunName(args.other));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto answer,
                         client->Call<v1::ExplainRunResponse>(
                             absl::StrCat(kService, "ExplainRun"), request));
  if (context.IsForPeople()) {
    context.out() << PrintableLines(answer.text());
  } else {
    context.MakePrinter().One(answer, {});
  }
  return absl::OkStatus();
}

}  // namespace

void AddPlanCommands(CLI::App& batch, Context& context) {
  const auto [analyze, analyze_args] =
      AddVerb(batch, context, "analyze", "Plan which waiting runs go together",
              &RunAnalyze);
  AddValue(analyze, "--queue", &analyze_args->queue, "QUEUE",
           "Queue to analyze [default]");
  AddValue(
      analyze, "--mode", &analyze_args->mode, "strict|mixed|best",
      "Batch equal controls only, mixed controls, or as is cheaper [best]");
  AddValue(analyze, "--batch-size", &analyze_args->batch_size, "COUNT",
           "Most runs in a batch [the queue's]");
  AddValue(
      analyze, "--planner", &analyze_args->planner, "optimal|greedy",
      "Make the cheapest batches, or fill them in order of arrival [optimal]");
  AddValue(analyze, "--signature", &analyze_args->signature,
           "minimal|conservative",
           "conservative: seed, steps and guidance must be equal [minimal]");
  AddValue(analyze, "--estimator", &analyze_args->estimator, "model|heuristic",
           "heuristic: as if every batch took one run's time [model]");
  analyze->add_flag("--live", analyze_args->live,
                    "Analyze although the queue is not paused");
  analyze->add_flag(
      "--watch", analyze_args->watch,
      "Analyze again and again, also while the queue is not paused");
  AddValue(analyze, "--interval", &analyze_args->interval, "DURATION",
           "Pause between two analyses with --watch [5s]");
  const auto [preview, preview_args] = AddVerb(
      batch, context, "preview", "Show a plan as text", &RunPlanPreview);
  AddValue(preview, "plan", &preview_args->plan, "PLAN",
           "Plan to show [the queue's newest]");
  AddValue(preview, "--queue", &preview_args->queue, "QUEUE",
           "Queue of the newest plan [default]");
  AddPlanShow(batch, context);
  const auto [execute, execute_args] = AddVerb(
      batch, context, "execute",
      "Execute a plan, unless the queue has changed since", &RunExecute);
  AddValue(execute, "plan", &execute_args->plan, "PLAN",
           "Plan to execute [the queue's newest]");
  AddValue(execute, "--queue", &execute_args->queue, "QUEUE",
           "Queue of the newest plan [default]");
  AddValue(execute, "--request-id", &execute_args->request_id, "ID",
           "Calls with the same id execute the plan once");
  execute->add_flag("--unchanged", execute_args->unchanged,
                    "Refuse even a live plan if anything has changed");
  const auto [undo, undo_args] = AddVerb(
      batch, context, "undo",
      "Bring the former grouping back, before a batch has started", &RunUndo);
  AddValue(undo, "plan", &undo_args->plan, "PLAN",
           "Plan to undo [the one that the queue goes by]");
  AddValue(undo, "--queue", &undo_args->queue, "QUEUE",
           "Queue of that plan [default]");
  const auto [list, list_args] =
      AddVerb(batch, context, "list", "List a queue's plans", &RunPlanList);
  AddValue(list, "--queue", &list_args->queue, "QUEUE",
           "Queue to list [default]");
  const auto [report, report_args] =
      AddVerb(batch, context, "report",
              "Compare the predicted and measured times of a plan", &RunReport);
  AddValue(report, "plan", &report_args->plan, "PLAN",
           "Plan to report on [the queue's last executed one]");
  AddValue(report, "--queue", &report_args->queue, "QUEUE",
           "Queue of the last plan [default]");
  AddVerb(batch, context, "profile",
          "Show how batches are priced, and how far that is off", &RunProfile);
  const auto [forget, forget_args] =
      AddVerb(batch, context, "forget",
              "Forget the learned figures of a model or a device", &RunForget);
  AddValue(forget, "name", &forget_args->name, "NAME",
           "A model or a device, as runs and workers name it");
  forget->add_flag("--all", forget_args->all, "Forget all learned figures");
  const auto [explain, explain_args] = AddVerb(
      batch, context, "explain",
      "Say why two runs are, or are not, batched together", &RunExplain);
  AddName(explain, "run", &explain_args->run, "RUN",
          "jobs/1/runs/0; of a job alone, its first run");
  AddName(explain, "other", &explain_args->other, "RUN", "jobs/2/runs/0");
}

}  // namespace sheaf::cli
