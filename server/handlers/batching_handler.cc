#include "server/handlers/batching_handler.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "batching/rows/request_fields.h"
#include "queue/jobs.h"
#include "queue/plans.h"
#include "server/handlers/calls.h"
#include "server/scheduling/learned_figures.h"
#include "server/wire/convert.h"
#include "server/wire/convert_plan.h"
#include "server/wire/page_token.h"

namespace sheaf::server {
namespace {

// Batches of a plan, and whether there may be more.
struct BatchPage {
  std::vector<pb::PlanBatch> batches;
  bool more = false;
};

PlanId PlanNamed(const std::string& name) {
  // The name has passed its field's rule.
  return PlanId{name.empty() ? 0 : std::stoll(LastPart(name))};
}

PlanService::Question QuestionOf(const pb::AnalyzeQueueRequest& request) {
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
  question.live = request.live();
  question.heuristic = request.estimator() == pb::ESTIMATOR_KIND_HEURISTIC;
  return question;
}

std::string Jobs(int64_t count) {
  return absl::StrCat(count, count == 1 ? " job" : " jobs");
}

struct AskedRun {
  RunParams params;
  std::string kind;
};

absl::StatusOr<AskedRun> AskedOf(View& view, const std::string& name) {
  SHEAF_ASSIGN_OR_RETURN(const RunId id, RunNamed(name));
  SHEAF_RETURN_IF_ERROR(FindRunOrError(view, id).status());
  SHEAF_ASSIGN_OR_RETURN(const Job job, FindJobOrError(view, id.job()));
  return AskedRun{Merge(view.SharedParams(id.job()), view.OwnParams(id)),
                  job.kind};
}

}  // namespace

grpc::ServerUnaryReactor* BatchingHandler::AnalyzeQueue(
    grpc::CallbackServerContext* context,
    const pb::AnalyzeQueueRequest* request,
    pb::AnalyzeQueueResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    auto* reactor = context->DefaultReactor();
    PlanService::Question question = QuestionOf(*request);
    question.call = CallOf(*context);
    plan_service_.Analyze(
        std::move(question),
        [reactor, response](absl::StatusOr<PlanService::Analysis> analysis) {
          if (!analysis.ok()) {
            return reactor->Finish(ToGrpcStatus(analysis.status()));
          }
          response->set_message(analysis->message);
          if (analysis->plan)
            ToProto(*analysis->plan, response->mutable_plan());
          reactor->Finish(grpc::Status::OK);
        });
    return reactor;
  });
}

grpc::ServerUnaryReactor* BatchingHandler::GetPlan(
    grpc::CallbackServerContext* context, const pb::GetPlanRequest* request,
    pb::Plan* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    return calls_.Read(
        context,
        [id = PlanNamed(request->name())](
            View& view) -> absl::StatusOr<std::pair<PlanRecord, PlanTimes>> {
          SHEAF_ASSIGN_OR_RETURN(PlanRecord plan, FindPlanOrError(view, id));
          return std::pair(std::move(plan), view.TimesOf(id));
        },
        [response](const auto& plan) {
          ToProto(plan.first, response);
          ToProto(plan.second, response);
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ListPlans(
    grpc::CallbackServerContext* context, const pb::ListPlansRequest* request,
    pb::ListPlansResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const std::string question = absl::StrCat("plans\n", request->queue());
    PlanId before;
    if (!request->page_token().empty()) {
      const auto last = ReadPageToken(question, request->page_token());
      if (!last.ok()) return last.status();
      before = PlanId{*last};
    }
    const int limit = PageSize(request->page_size());
    return calls_.Read(
        context,
        [queue = LastPart(request->queue()), before,
         limit](View& view) -> absl::StatusOr<std::vector<PlanRecord>> {
          SHEAF_RETURN_IF_ERROR(FindQueueOrError(view, queue).status());
          return view.Plans(queue, before, limit);
        },
        [response, question, limit](const std::vector<PlanRecord>& plans) {
          for (const PlanRecord& plan : plans) {
            if (plan.state != PlanState::kStoring) {
              ToProto(plan, response->add_plans());
            }
          }
          if (static_cast<int>(plans.size()) == limit) {
            response->set_next_page_token(
                MakePageToken(question, plans.back().id.value));
          }
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ListPlanBatches(
    grpc::CallbackServerContext* context,
    const pb::ListPlanBatchesRequest* request,
    pb::ListPlanBatchesResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const std::string question = absl::StrCat("batches\n", request->plan());
    int64_t after = 0;
    if (!request->page_token().empty()) {
      const auto last = ReadPageToken(question, request->page_token());
      if (!last.ok()) return last.status();
      after = *last;
    }
    const int limit = PageSize(request->page_size());
    return calls_.Read(
        context,
        [id = PlanNamed(request->plan()), after, limit,
         bytes_max = page_bytes_max_](View& view) -> absl::StatusOr<BatchPage> {
          SHEAF_RETURN_IF_ERROR(FindPlanOrError(view, id).status());
          BatchPage page;
          int64_t bytes = 0;
          while (static_cast<int>(page.batches.size()) < limit) {
            const int64_t last =
                after + static_cast<int64_t>(page.batches.size());
            const auto next = view.PlanBatches(id, last, 1);
            if (next.empty()) return page;
            if (bytes >= bytes_max) {
              page.more = true;
              return page;
            }
            pb::PlanBatch& out = page.batches.emplace_back();
            ToProto(next[0], &out);
            FillWeights(view, next[0], &out);
            bytes += static_cast<int64_t>(out.ByteSizeLong());
          }
          page.more = true;
          return page;
        },
        [response, question, after](const BatchPage& page) {
          for (const pb::PlanBatch& batch : page.batches) {
            *response->add_batches() = batch;
          }
          if (page.more) {
            response->set_next_page_token(MakePageToken(
                question, after + static_cast<int64_t>(page.batches.size())));
          }
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ExecutePlan(
    grpc::CallbackServerContext* context, const pb::ExecutePlanRequest* request,
    pb::ExecutePlanResponse* response) {
  return calls_.AdmittedChange(context, *request, [&](const Caller&) -> Begun {
    if (request->name().empty() && request->queue().empty()) {
      return InvalidArgument({{"name", "either name or queue must be given"}});
    }
    ExecuteOptions options;
    options.plan = PlanNamed(request->name());
    options.queue = LastPart(request->queue());
    options.request_id = request->request_id();
    options.actor = request->actor();
    options.unchanged = request->unchanged();
    return calls_.Write(
        context, [options](Tx& tx) { return sheaf::ExecutePlan(tx, options); },
        [response](const Executed& executed) {
          const PlanRecord& plan = executed.plan;
          ToProto(plan, response->mutable_plan());
          response->set_replayed(executed.replayed);
          response->set_message(absl::StrCat(
              "Queue reorganized successfully. ", Jobs(plan.job_count), " → ",
              plan.batch_count, plan.batch_count == 1 ? " batch" : " batches"));
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
    return calls_.Read(
        context,
        [run = request->run(), other = request->other()](
            View& view) -> absl::StatusOr<batching::Explanation> {
          SHEAF_ASSIGN_OR_RETURN(const AskedRun a, AskedOf(view, run));
          SHEAF_ASSIGN_OR_RETURN(const AskedRun b, AskedOf(view, other));
          const RunParams defaults;
          return batching::Explain({a.kind, &a.params, &defaults},
                                   {b.kind, &b.params, &defaults},
                                   batching::Capability::kFull);
        },
        [response](const batching::Explanation& explanation) {
          response->set_strict(explanation.strict);
          response->set_mixed(explanation.mixed);
          response->set_text(explanation.Text());
          for (const batching::Difference& difference :
               explanation.differences) {
            auto* out = response->add_differences();
            out->set_field(difference.field);
            out->set_value(difference.a);
            out->set_other_value(difference.b);
            out->set_blocks_strict(difference.blocks_strict);
            out->set_blocks_mixed(difference.blocks_mixed);
          }
        });
  });
}

grpc::ServerUnaryReactor* BatchingHandler::GetBatchProfile(
    grpc::CallbackServerContext* context,
    const pb::GetBatchProfileRequest* request, pb::BatchProfile* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    const batching::Profile& profile = prices_.profile();
    response->set_name(profile.name);
    response->set_json(batching::Encode({{profile.name, profile}}));
    for (const auto& [kind, calibration] : prices_.All()) {
      pb::WorkCalibration* out = response->add_calibrations();
      ToProto(kind, calibration, out);
      out->set_recommendation(learned_.Recommendation(kind));
      if (out->recommendation().empty()) continue;
      out->set_batch_size_max(
          memory_.RowsMax(kind.model, kind.width, kind.height));
    }
    return Calls::Done(context);
  });
}

grpc::ServerUnaryReactor* BatchingHandler::ForgetLearned(
    grpc::CallbackServerContext* context,
    const pb::ForgetLearnedRequest* request,
    pb::ForgetLearnedResponse* response) {
  return calls_.Admitted(context, *request, [&](const Caller&) -> Begun {
    if (request->all() == !request->name().empty()) {
      return InvalidArgument({{"name", "or all, and not both"}});
    }
    const int count = learned_.Forget(request->name());
    Log(spdlog::level::info, "calibration", "forgot what was learned",
        {{"of", request->all() ? "all" : request->name()},
         {"kinds", absl::StrCat(count)}});
    response->set_work_count(count);
    return Calls::Done(context);
  });
}

}  // namespace sheaf::server
