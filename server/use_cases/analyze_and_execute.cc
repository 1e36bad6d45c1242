#include "server/use_cases/analyze_and_execute.h"

#include <memory>
#include <utility>

#include "absl/strings/str_format.h"

namespace sheaf::server {
namespace {

using Done = std::function<void(absl::StatusOr<AnalyzedAndExecuted>)>;

// One call on its way: looks for its first try, analyzes, executes.
struct Way {
  PlanService* plan_service;
  Store* store;
  ExecuteIfWorthIt request;
  Done done;
  AnalyzedAndExecuted result;
};

void Execute(const std::shared_ptr<Way>& way, PlanId plan) {
  way->store->Write(
      [way, plan](Tx& tx) -> absl::Status {
        const absl::StatusOr<Executed> executed =
            ExecutePlan(tx, {.plan = plan,
                             .request_id = way->request.request_id,
                             .actor = way->request.actor});
        if (!executed.ok()) return executed.status();
        way->result = {executed->plan, true, MessageOf(*executed)};
        return absl::OkStatus();
      },
      [way](const absl::Status& status) {
        if (!status.ok()) return way->done(status);
        way->done(std::move(way->result));
      },
      way->request.question.call);
}

void Analyze(const std::shared_ptr<Way>& way) {
  way->plan_service->Analyze(
      way->request.question,
      [way](absl::StatusOr<PlanService::Analysis> analysis) {
        if (!analysis.ok()) return way->done(analysis.status());
        if (analysis->plan && analysis->speedup >= way->request.speedup_min) {
          return Execute(way, analysis->plan->id);
        }
        AnalyzedAndExecuted left{std::move(analysis->plan), false,
                                 std::move(analysis->message)};
        if (left.plan) {
          left.message += absl::StrFormat(
              "; not executed: its speedup of %.2fx is below %.2fx",
              analysis->speedup, way->request.speedup_min);
        }
        way->done(std::move(left));
      });
}

}  // namespace

void AnalyzeAndExecute(PlanService* plan_service, Store* store,
                       ExecuteIfWorthIt request, Done done) {
  request.question.live = true;
  const auto way = std::make_shared<Way>(
      Way{plan_service, store, std::move(request), std::move(done), {}});
  if (way->request.request_id.empty()) return Analyze(way);
  store->Read(
      [way](View& view) {
        const std::optional<PlanRecord> before = FindExecuted(
            view, way->request.question.queue, way->request.request_id);
        if (before) {
          way->result = {*before, true, MessageOf({*before, true})};
        }
        return absl::OkStatus();
      },
      [way](const absl::Status& status) {
        if (!status.ok()) return way->done(status);
        if (way->result.executed) return way->done(std::move(way->result));
        Analyze(way);
      },
      way->request.question.call);
}

}  // namespace sheaf::server
