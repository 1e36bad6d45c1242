#include "server/handlers/batching_handler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "batching/plan/plan_page.h"
#include "batching/rows/explain_runs.h"
#include "queue/plans.h"
#include "server/handlers/call_options.h"
#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/scheduling/offers.h"
#include "server/use_cases/analyze_and_execute.h"
#include "server/use_cases/batch_profile.h"
#include "server/wire/convert.h"
#include "server/wire/convert_plan.h"
#include "server/wire/page_token.h"
#include "server/wire/plan_answers.h"

namespace sheaf::server {
namespace {

PlanId PlanNamed(const std::string& name) {
  // The name has passed its field's rule.
  return PlanId{name.empty() ? 0 : std::stoll(LastPart(name))};
}

PlanningSettings PlanningOf(const pb::PlanningSettings& in) {
  PlanningSettings settings;
  if (in.has_harm_max()) {
    settings.harm_max =
        std::max(FromProto(in.harm_max()), absl::ZeroDuration());
  }
  if (in.has_waiting_percent()) settings.waiting_percent = in.waiting_percent();
  if (in.has_knee_percent()) settings.knee_percent = in.knee_percent();
  if (in.has_across_priorities()) {
    settings.across_priorities = in.across_priorities();
  }
  return settings;
}

// The fields that both requests for an analysis have.
template <class Request>
PlanService::Question QuestionFrom(const Request& request,
                                   const grpc::CallbackServerContext& context) {
  PlanService::Question question;
  question.queue = LastPart(request.queue());
  if (request.mode() != pb::BATCHING_MODE_UNSPECIFIED) {
    question.mode = static_cast<batching::Mode>(request.mode());
  }
  question.greedy = request.planner() == pb::PLANNER_KIND_GREEDY;
  if (request.signature() == pb::SIGNATURE_KIND_CONSERVATIVE) {
    question.signature = batching::Signature::kConservative;
  }
  question.batch_size = request.batch_size();
  question.planning = PlanningOf(request.planning());
  question.call = CallOf(context);
  return question;
}

PlanService::Question QuestionOf(const pb::AnalyzeQueueRequest& request,
                                 const grpc::CallbackServerContext& context) {
  PlanService::Question question = QuestionFrom(request, context);
  question.live = request.live();
  question.look_only = request.validate_only();
  question.heuristic = request.estimator() == pb::ESTIMATOR_KIND_HEURISTIC;
  return question;
}

ExecuteIfWorthIt WishOf(const pb::AnalyzeAndExecuteRequest& request,
                        const grpc::CallbackServerContext& context) {
  ExecuteIfWorthIt wish;
  wish.question = QuestionFrom(request, context);
  if (request.has_min_speedup()) wish.speedup_min = request.min_speedup();
  wish.request_id = request.request_id();
  wish.actor = request.actor();
  return wish;
}

// A list that was asked for, and the words that its page tokens are bound to.
struct PlanListing {
  std::string queue;
  PlanId before;
  int limit = 0;
  std::string question;
};

absl::StatusOr<PlanListing> ListingOf(const pb::ListPlansRequest& request) {
  const std::string question = absl::StrCat("plans\n", request.queue());
  SHEAF_ASSIGN_OR_RETURN(const auto last,
                         PageBegin(question, request.page_token()));
  return PlanListing{LastPart(request.queue()), PlanId{last.value_or(0)},
                     PageSize(request.page_size()), question};
}

struct BatchListing {
  PlanId plan;
  int64_t after = 0;
  int limit = 0;
  std::string question;
};

absl::StatusOr<BatchListing> ListingOf(
    const pb::ListPlanBatchesRequest& request) {
  const std::string question = absl::StrCat("batches\n", request.plan());
  SHEAF_ASSIGN_OR_RETURN(const auto last,
                         PageBegin(question, request.page_token()));
  return BatchListing{PlanNamed(request.plan()), last.value_or(0),
                      PageSize(request.page_size()), question};
}

absl::StatusOr<ExecuteOptions> OptionsOf(
    const pb::ExecutePlanRequest& request) {
  if (request.name().empty() && request.queue().empty()) {
    return InvalidArgument({{"name", "either name or queue must be given"}});
  }
  return ExecuteOptions{.plan = PlanNamed(request.name()),
                        .queue = LastPart(request.queue()),
                        .request_id = request.request_id(),
                        .actor = request.actor(),
                        .unchanged = request.unchanged()};
}

}  // namespace

BatchingHandler::BatchingHandler(const Calls& calls, PlanService* plan_service,
                                 const PricesBoard* prices,
                                 const MemoryBoard* memory,
                                 LearnedFigures* learned,
                                 const WorkerRegistry* workers,
                                 int64_t page_bytes_max)
    : calls_(calls),
      plan_service_(*plan_service),
      prices_(*prices),
      memory_(*memory),
      learned_(*learned),
      workers_(*workers),
      page_bytes_max_(page_bytes_max) {}

BatchingHandler::~BatchingHandler() = default;

grpc::ServerUnaryReactor* BatchingHandler::AnalyzeQueue(
    grpc::CallbackServerContext* context,
    const pb::AnalyzeQueueRequest* request,
    pb::AnalyzeQueueResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    PlanService::Question question = QuestionOf(*request, *context);
    return Calls::Await<PlanService::Analysis>(
        context,
        [&](auto done) { plan_service_.Analyze(std::move(question), done); },
        [response](const PlanService::Analysis& analysis) {
          ToProto(analysis, response);
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::GetPlan(
    grpc::CallbackServerContext* context, const pb::GetPlanRequest* request,
    pb::Plan* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [id = PlanNamed(request->name())](View& view) {
          return FindPlanWithTimes(view, id);
        },
        [response](const PlanWithTimes& plan) { ToProto(plan, response); });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ListPlans(
    grpc::CallbackServerContext* context, const pb::ListPlansRequest* request,
    pb::ListPlansResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(PlanListing listing, ListingOf(*request));
    return calls_.Read(
        context,
        [listing](View& view) {
          return sheaf::ListPlans(view, listing.queue, listing.before,
                                  listing.limit);
        },
        [response, question = listing.question](const PlanPage& page) {
          ToProto(page, question, response);
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ListPlanBatches(
    grpc::CallbackServerContext* context,
    const pb::ListPlanBatchesRequest* request,
    pb::ListPlanBatchesResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(BatchListing listing, ListingOf(*request));
    return calls_.Read(
        context,
        [listing, bytes_max = page_bytes_max_](View& view) {
          return batching::ListPlanBatches(view, listing.plan, listing.after,
                                           listing.limit, bytes_max);
        },
        [response, question = listing.question](const auto& page) {
          ToProto(page, question, response);
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ExecutePlan(
    grpc::CallbackServerContext* context, const pb::ExecutePlanRequest* request,
    pb::ExecutePlanResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(ExecuteOptions options, OptionsOf(*request));
    return calls_.Write(
        context, [options](Tx& tx) { return sheaf::ExecutePlan(tx, options); },
        [response](const Executed& executed) { ToProto(executed, response); });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::AnalyzeAndExecute(
    grpc::CallbackServerContext* context,
    const pb::AnalyzeAndExecuteRequest* request,
    pb::AnalyzeAndExecuteResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    ExecuteIfWorthIt wish = WishOf(*request, *context);
    return Calls::Await<AnalyzedAndExecuted>(
        context,
        [&](auto done) {
          server::AnalyzeAndExecute(&plan_service_, &calls_.store(),
                                    std::move(wish), done);
        },
        [response](const AnalyzedAndExecuted& done) {
          ToProto(done, response);
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::UndoPlan(
    grpc::CallbackServerContext* context, const pb::UndoPlanRequest* request,
    pb::Plan* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    return calls_.Write(
        context,
        [id = PlanNamed(request->name()), actor = request->actor()](Tx& tx) {
          return sheaf::UndoPlan(tx, id, actor);
        },
        [response](const PlanRecord& plan) { ToProto(plan, response); });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ExplainRun(
    grpc::CallbackServerContext* context, const pb::ExplainRunRequest* request,
    pb::ExplainRunResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    SHEAF_ASSIGN_OR_RETURN(const RunId run, RunNamed(request->run()));
    SHEAF_ASSIGN_OR_RETURN(const RunId other, RunNamed(request->other()));
    return calls_.Read(
        context,
        [run, other,
         models = CommonModels(workers_.List(), prices_)](View& view) {
          return batching::ExplainRuns(view, run, other, *models);
        },
        [response](const batching::Explanation& explanation) {
          ToProto(explanation, response);
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::GetBatchProfile(
    grpc::CallbackServerContext* context,
    const pb::GetBatchProfileRequest* request, pb::BatchProfile* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    ToProto(ReadBatchProfile(prices_, memory_, learned_), response);
    return Calls::Done(context);
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ForgetLearned(
    grpc::CallbackServerContext* context,
    const pb::ForgetLearnedRequest* request,
    pb::ForgetLearnedResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller& caller) -> Begun {
    if (request->all() == !request->name().empty()) {
      return InvalidArgument({{"name", "give either name or all"}});
    }
    const int count = learned_.Forget(request->name());
    Log(spdlog::level::info, "calibration", "forgot learned figures",
        {{"of", request->all() ? "all" : request->name()},
         {"kinds", count},
         {"caller", caller.connection}});
    response->set_work_count(count);
    return Calls::Done(context);
  });
}

}  // namespace sheaf::server
