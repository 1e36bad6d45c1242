// `sheaf batch analyze`: which waiting runs of a queue go together.
#include <ostream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "cli/commands/batch/batch_commands.h"
#include "cli/commands/watch.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {
namespace {

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
        absl::StrCat(kBatchingService, "AnalyzeQueue"), request, kLongWork);
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

}  // namespace

void AddAnalyze(CLI::App& batch, Context& context) {
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
}

}  // namespace sheaf::cli
