// `sheaf batch show`.
#include <map>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "cli/commands/batch/batch_commands.h"
#include "cli/support/flag_values.h"
#include "cli/support/plan_names.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"
#include "sheaf/v1/batching_service.pb.h"

namespace sheaf::cli {
namespace {

struct ShowArgs {
  std::string plan;
  std::string queue;
};

// "edge 0.5, seg 0"
std::string WeightsText(const v1::Weights& weights) {
  std::map<std::string, double> in_order(weights.weights().begin(),
                                         weights.weights().end());
  return absl::StrJoin(in_order, ", ", absl::PairFormatter(" "));
}

void PrintBatch(std::ostream& out, const v1::PlanBatch& batch) {
  out << batch.name() << "  " << batch.runs_size()
      << (batch.runs_size() == 1 ? " run" : " runs");
  if (batch.has_predicted()) {
    out << ", predicted " << absl::FormatDuration(FromProto(batch.predicted()));
  }
  if (batch.has_actual()) {
    out << ", took " << absl::FormatDuration(FromProto(batch.actual()));
  }
  if (!batch.reason().empty()) out << "; " << batch.reason();
  out << '\n';
  for (int i = 0; i < batch.runs_size(); ++i) {
    out << "  " << batch.runs(i);
    if (i < batch.weights_list_size() &&
        !batch.weights_list(i).weights().empty()) {
      out << "  " << WeightsText(batch.weights_list(i));
    }
    out << '\n';
  }
}

absl::Status RunPlanShow(Context& context, ShowArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const std::string plan,
      PlanOrNewest(context, args.plan, args.queue, IsAnyPlan, "is kept"));
  SHEAF_ASSIGN_OR_RETURN(const auto all, AllPlanBatches(*client, plan));
  if (!context.IsForPeople()) {
    context.MakePrinter().List(all, "batches", {});
    return absl::OkStatus();
  }
  for (const v1::PlanBatch& batch : all.batches()) {
    PrintBatch(context.out(), batch);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ListPlanBatchesResponse> AllPlanBatches(
    Client& client, const std::string& plan) {
  v1::ListPlanBatchesRequest request;
  request.set_plan(plan);
  v1::ListPlanBatchesResponse all;
  do {
    SHEAF_ASSIGN_OR_RETURN(
        auto page,
        client.Call<v1::ListPlanBatchesResponse>(
            absl::StrCat(kBatchingService, "ListPlanBatches"), request));
    request.set_page_token(page.next_page_token());
    all.mutable_batches()->MergeFrom(page.batches());
  } while (!request.page_token().empty());
  return all;
}

void AddPlanShow(CLI::App& batch, Context& context) {
  const auto [show, show_args] =
      AddVerb(batch, context, "show",
              "List a plan's batches, with their runs and each run's weights",
              &RunPlanShow);
  AddValue(show, "plan", &show_args->plan, "PLAN",
           "Plan to show [the queue's newest]");
  AddValue(show, "--queue", &show_args->queue, "QUEUE",
           "Queue of the newest plan [default]");
}

}  // namespace sheaf::cli
