// `sheaf batch analyze`: which waiting runs of a queue go together.
#include <array>
#include <ostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/commands/batch/batch_commands.h"
#include "cli/commands/watch.h"
#include "cli/support/errors.h"
#include "cli/support/field_text.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {
namespace {

// A flag that sets one field of PlanningSettings.
struct PlanningFlag {
  const char* flag;
  const char* field;
  const char* type;
  const char* help;
};

constexpr PlanningFlag kPlanningFlags[] = {
    {"--harm-max", "harm_max", "DURATION",
     "Let no run end later than without the plan by more than this [the "
     "queue's]"},
    {"--waiting", "waiting_percent", "PERCENT",
     "Worth of a run's waiting in hundredths of device time; 0: device time "
     "alone counts [the queue's]"},
    {"--knee", "knee_percent", "PERCENT",
     "End a batch where one more run brings less than this of what a run alone "
     "costs [the queue's]"},
    {"--across-priorities", "across_priorities", "on|off",
     "Let runs of a lower priority fill batches of a higher one [the queue's]"},
};

struct AnalyzeArgs {
  std::string queue;
  std::string mode = "best";
  std::string planner = "optimal";
  std::string signature = "minimal";
  std::string estimator = "model";
  std::string batch_size;
  std::string interval = "5s";
  // The texts of the flags, in the order of their table.
  std::array<std::string, std::size(kPlanningFlags)> planning;
  std::string min_speedup;
  std::string request_id;
  bool live = false;
  bool dry_run = false;
  bool watch = false;
  bool execute = false;
};

absl::Status CheckTogether(const AnalyzeArgs& args) {
  if (args.execute && (args.watch || args.dry_run)) {
    return UsageError("--execute excludes --watch and --dry-run");
  }
  if (args.execute && args.estimator != "model") {
    return UsageError("--execute goes by --estimator model");
  }
  if (!args.execute &&
      (!args.min_speedup.empty() || !args.request_id.empty())) {
    return UsageError("--min-speedup and --request-id need --execute");
  }
  return absl::OkStatus();
}

absl::Status ReadPlanning(const AnalyzeArgs& args,
                          v1::AnalyzeQueueRequest* request) {
  for (size_t i = 0; i < args.planning.size(); ++i) {
    if (args.planning[i].empty()) continue;
    const PlanningFlag& flag = kPlanningFlags[i];
    SHEAF_RETURN_IF_ERROR(SetFieldText(
        *v1::PlanningSettings::descriptor()->FindFieldByName(flag.field),
        flag.flag, args.planning[i], request->mutable_planning()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::AnalyzeQueueRequest> RequestOf(const Context& context,
                                                  const AnalyzeArgs& args) {
  v1::AnalyzeQueueRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(),
                         context.QueueOrUsual(args.queue));
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
  request.set_validate_only(args.dry_run || args.watch);
  if (args.estimator == "heuristic") {
    request.set_estimator(v1::ESTIMATOR_KIND_HEURISTIC);
  }
  SHEAF_RETURN_IF_ERROR(ReadPlanning(args, &request));
  return request;
}

absl::StatusOr<v1::AnalyzeAndExecuteRequest> ExecutionOf(
    Context& context, const AnalyzeArgs& args,
    const v1::AnalyzeQueueRequest& analysis) {
  v1::AnalyzeAndExecuteRequest request;
  request.set_queue(analysis.queue());
  request.set_mode(analysis.mode());
  request.set_batch_size(analysis.batch_size());
  request.set_planner(analysis.planner());
  request.set_signature(analysis.signature());
  if (analysis.has_planning())
    *request.mutable_planning() = analysis.planning();
  if (!args.min_speedup.empty()) {
    SHEAF_RETURN_IF_ERROR(SetFieldText(
        *v1::AnalyzeAndExecuteRequest::descriptor()->FindFieldByName(
            "min_speedup"),
        "--min-speedup", args.min_speedup, &request));
  }
  request.set_request_id(args.request_id);
  request.set_actor(context.environment().variable("USER").value_or(""));
  return request;
}

// Why a plan is not for execution; empty where it is.
std::string WhyNot(const v1::Plan& plan) {
  const std::string speedup = absl::StrFormat("%.2fx", plan.speedup());
  switch (plan.verdict()) {
    case v1::PLAN_VERDICT_NO_GAIN:
      return absl::StrCat("It gains next to nothing (", speedup,
                          "): there is no use in executing it.");
    case v1::PLAN_VERDICT_SLOWER:
      return absl::StrCat("It takes longer than the jobs as they are (",
                          speedup, "): better not execute it.");
    default:
      return "";
  }
}

// For programs: the plan with its batches, all of them.
absl::Status PrintAnswer(Context& context, Client& client,
                         v1::AnalyzeQueueResponse answer) {
  if (FormatFromText(context.Setting("output")) == Format::kName) {
    if (answer.has_plan()) context.MakePrinter().One(answer.plan(), {});
    return absl::OkStatus();
  }
  if (!answer.plan().name().empty() && answer.batches().empty()) {
    SHEAF_ASSIGN_OR_RETURN(auto all,
                           AllPlanBatches(client, answer.plan().name()));
    answer.mutable_batches()->Swap(all.mutable_batches());
  }
  context.MakePrinter().One(answer, {});
  return absl::OkStatus();
}

absl::Status AnalyzeAgainAndAgain(Context& context, Client& client,
                                  const AnalyzeArgs& args,
                                  const v1::AnalyzeQueueRequest& request) {
  return DrawAgainAndAgain(context, args.interval, [&]() -> absl::Status {
    SHEAF_ASSIGN_OR_RETURN(const auto answer,
                           client.Call<v1::AnalyzeQueueResponse>(
                               absl::StrCat(kBatchingService, "AnalyzeQueue"),
                               request, kLongWork));
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

absl::Status AnalyzeAndExecute(Context& context, const AnalyzeArgs& args,
                               const v1::AnalyzeQueueRequest& analysis) {
  SHEAF_ASSIGN_OR_RETURN(const auto request,
                         ExecutionOf(context, args, analysis));
  SHEAF_RETURN_IF_ERROR(context.Confirm(absl::StrCat(
      "Regroup the waiting runs of ", request.queue(), " if that is faster?")));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto answer,
      client->Call<v1::AnalyzeAndExecuteResponse>(
          absl::StrCat(kBatchingService, "AnalyzeAndExecute"), request,
          kLongWork));
  if (context.IsForPeople()) {
    context.out() << PrintableLines(answer.plan().text())
                  << PrintableLines(answer.message()) << "\n";
  } else if (FormatFromText(context.Setting("output")) == Format::kName) {
    if (answer.executed()) context.MakePrinter().One(answer.plan(), {});
  } else {
    context.MakePrinter().One(answer, {});
  }
  if (!answer.executed()) return NothingToDo();
  context.Say(UndoHint(answer.plan()));
  return absl::OkStatus();
}

absl::Status RunAnalyze(Context& context, AnalyzeArgs& args) {
  SHEAF_RETURN_IF_ERROR(CheckTogether(args));
  SHEAF_ASSIGN_OR_RETURN(const auto request, RequestOf(context, args));
  if (args.execute) return AnalyzeAndExecute(context, args, request);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  if (args.watch) return AnalyzeAgainAndAgain(context, *client, args, request);
  SHEAF_ASSIGN_OR_RETURN(
      const auto answer,
      client->Call<v1::AnalyzeQueueResponse>(
          absl::StrCat(kBatchingService, "AnalyzeQueue"), request, kLongWork));
  if (!context.IsForPeople()) {
    SHEAF_RETURN_IF_ERROR(PrintAnswer(context, *client, answer));
    return answer.has_plan() ? absl::OkStatus() : NothingToDo();
  }
  if (!answer.has_plan()) {
    context.out() << PrintableLines(answer.message()) << ".\n";
    return NothingToDo();
  }
  const v1::Plan& plan = answer.plan();
  context.out() << PrintableLines(plan.text());
  const std::string why_not = WhyNot(plan);
  if (!why_not.empty()) {
    context.Say(why_not);
  } else if (request.validate_only()) {
    context.Say("Dry run: the plan was not stored.");
  } else {
    context.Say(
        absl::StrCat("To execute it: sheaf batch execute ", plan.name()));
  }
  return absl::OkStatus();
}

void AddWays(CLI::App* analyze, AnalyzeArgs* args) {
  AddValue(analyze, "--queue", &args->queue, "QUEUE",
           "Queue to analyze [default]");
  AddValue(
      analyze, "--mode", &args->mode, "strict|mixed|best",
      "Batch equal controls only, mixed controls, or as is cheaper [best]");
  AddValue(analyze, "--batch-size", &args->batch_size, "COUNT",
           "Most runs in a batch [the queue's]");
  AddValue(
      analyze, "--planner", &args->planner, "optimal|greedy",
      "Make the cheapest batches, or fill them in order of arrival [optimal]");
  AddValue(analyze, "--signature", &args->signature, "minimal|conservative",
           "conservative: seed, steps and guidance must be equal [minimal]");
  AddValue(analyze, "--estimator", &args->estimator, "model|heuristic",
           "heuristic: as if every batch took one run's time [model]");
  for (size_t i = 0; i < args->planning.size(); ++i) {
    const PlanningFlag& flag = kPlanningFlags[i];
    AddValue(analyze, flag.flag, &args->planning[i], flag.type, flag.help);
  }
}

}  // namespace

void AddAnalyze(CLI::App& batch, Context& context) {
  const auto [analyze, args] =
      AddVerb(batch, context, "analyze", "Plan which waiting runs go together",
              &RunAnalyze);
  AddWays(analyze, args);
  analyze->add_flag("--live", args->live,
                    "Analyze although the queue is not paused");
  analyze->add_flag("--dry-run", args->dry_run, "Only look, store no plan");
  analyze->add_flag("--watch", args->watch,
                    "Look again and again, also while the queue is not "
                    "paused; no plan is stored");
  AddValue(analyze, "--interval", &args->interval, "DURATION",
           "Pause between two looks with --watch [5s]");
  analyze->add_flag("--execute", args->execute,
                    "Execute the plan at once if it is worth it, also while "
                    "the queue is not paused");
  AddValue(analyze, "--min-speedup", &args->min_speedup, "NUMBER",
           "With --execute: the least speedup that is worth it [1.1]");
  AddValue(analyze, "--request-id", &args->request_id, "ID",
           "With --execute: calls with the same id execute one plan");
  analyze->footer(
      "Exits 9 if nothing can be batched, or if --execute executed nothing.");
}

}  // namespace sheaf::cli
