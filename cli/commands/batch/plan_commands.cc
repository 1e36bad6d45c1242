// `sheaf batch preview|execute|undo|list|report`: plans that were made.
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/commands/batch/batch_commands.h"
#include "cli/support/plan_names.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {
namespace {

std::vector<Column> PlanColumns() {
  return {{"NAME", "name"},
          {"QUEUE", "queue"},
          {"STATE", "state"},
          {"MODE", "mode"},
          {"RUNS", "run_count"},
          {"JOBS", "job_count"},
          {"BATCHES", "batch_count"},
          {"SPEEDUP", "speedup", Column::Style::kDecimal},
          {"VERDICT", "verdict", Column::Style::kState},
          {"GAIN", "gain", Column::Style::kPlain, true},
          {"AGE", "create_time", Column::Style::kAge}};
}

bool IsActive(const v1::Plan& plan) {
  return plan.state() == v1::PLAN_STATE_ACTIVE;
}
bool WasExecuted(const v1::Plan& plan) { return plan.has_execute_time(); }

struct PlanArgs {
  std::string plan;
  std::string queue;
  std::string request_id;
  bool unchanged = false;
};

absl::Status RunPlanPreview(Context& context, PlanArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::GetPlanRequest request;
  SHEAF_ASSIGN_OR_RETURN(
      *request.mutable_name(),
      PlanOrNewest(context, args.plan, args.queue, IsAnyPlan, "is kept"));
  SHEAF_ASSIGN_OR_RETURN(
      const auto plan, client->Call<v1::Plan>(
                           absl::StrCat(kBatchingService, "GetPlan"), request));
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
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(),
                         context.QueueOrUsual(args.queue));
  request.set_request_id(args.request_id);
  request.set_unchanged(args.unchanged);
  request.set_actor(context.environment().variable("USER").value_or(""));
  SHEAF_RETURN_IF_ERROR(context.Confirm(absl::StrCat(
      "Regroup the waiting runs of ", request.queue(), " by ",
      args.plan.empty() ? "its newest plan" : request.name(), "?")));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto answer,
      client->Call<v1::ExecutePlanResponse>(
          absl::StrCat(kBatchingService, "ExecutePlan"), request));
  if (context.IsForPeople()) {
    context.out() << PrintableLines(answer.message()) << "\n";
  } else {
    context.MakePrinter().One(answer.plan(), PlanColumns());
  }
  context.Say(UndoHint(answer.plan()));
  return absl::OkStatus();
}

absl::Status RunUndo(Context& context, PlanArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  v1::UndoPlanRequest request;
  SHEAF_ASSIGN_OR_RETURN(
      *request.mutable_name(),
      PlanOrNewest(context, args.plan, args.queue, IsActive, "is in force"));
  request.set_actor(context.environment().variable("USER").value_or(""));
  SHEAF_ASSIGN_OR_RETURN(
      const auto plan,
      client->Call<v1::Plan>(absl::StrCat(kBatchingService, "UndoPlan"),
                             request));
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
                         PlanOrNewest(context, args.plan, args.queue,
                                      WasExecuted, "has been executed"));
  SHEAF_ASSIGN_OR_RETURN(
      const auto plan, client->Call<v1::Plan>(
                           absl::StrCat(kBatchingService, "GetPlan"), request));
  context.MakePrinter().One(plan, ReportColumns());
  if (plan.measured_batch_count() == 0) {
    context.Say("None of its batches has run as planned yet.");
  }
  return absl::OkStatus();
}

absl::Status RunPlanList(Context& context, PlanArgs& args) {
  v1::ListPlansRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(),
                         context.QueueOrUsual(args.queue));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto plans,
      client->Call<v1::ListPlansResponse>(
          absl::StrCat(kBatchingService, "ListPlans"), request));
  context.MakePrinter().List(plans, "plans", PlanColumns());
  return absl::OkStatus();
}

}  // namespace

std::string UndoHint(const v1::Plan& plan) {
  return absl::StrCat("To undo it: sheaf batch undo ", plan.name(),
                      ", until the first of its batches starts.");
}

void AddPlanCommands(CLI::App& batch, Context& context) {
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
}

}  // namespace sheaf::cli
