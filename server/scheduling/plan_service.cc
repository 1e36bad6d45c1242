#include "server/scheduling/plan_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log/log.h"
#include "base/status.h"
#include "batching/plan/plan_json.h"
#include "batching/plan/plan_text.h"
#include "batching/plan/report.h"
#include "batching/rows/cost.h"
#include "queue/order.h"
#include "queue/plans.h"
#include "queue/queues.h"
#include "server/scheduling/able_workers.h"
#include "server/scheduling/offers.h"

namespace sheaf::server {
namespace {

// Batches stored in one write: some milliseconds of the writer's time.
constexpr size_t kSlice = 500;
constexpr int kThreads = 2;
// How long a batch may be passed over by batches of the loaded model: as long
// as leases let owners fall behind for its sake.
const absl::Duration kDeferMax =
    absl::Milliseconds(batching::FairOptions().slack_ms);
// To plan more rows a second time would take too long.
constexpr size_t kFullestRowsMax = 100'000;
// Batches in the answer to a look that stores nothing.
constexpr size_t kBatchesShown = 100;

PlanBatch StoredBatch(const batching::RowSet& set, const batching::Plan& plan,
                      size_t index) {
  const batching::PlannedBatch& planned = plan.batches[index];
  PlanBatch batch;
  batch.number = static_cast<int64_t>(index) + 1;
  for (const uint32_t row : plan.RowsOf(planned)) {
    batch.runs.push_back(set.rows[row].id());
  }
  batch.predicted = absl::Milliseconds(planned.ms);
  batch.info = batching::BatchJson(set, plan, planned);
  return batch;
}

void LogDecision(const PlanRecord& plan, const batching::PlanReport& report) {
  Log(spdlog::level::debug, "planner", "analyzed a queue",
      {{"queue", plan.queue},
       {"mode", plan.mode},
       {"runs", plan.run_count},
       {"jobs", plan.job_count},
       {"batches", plan.batch_count},
       {"gain", report.gain},
       {"verdict", std::string(batching::NameOf(report.verdict))}});
}

absl::Status CheckPaused(const Queue& queue, bool live) {
  if (live || queue.state == QueueState::kPaused) return absl::OkStatus();
  return WithSubject(
      Error(Reason::kQueueNotPaused,
            absl::StrCat("queues/", queue.name,
                         " is not paused; pause it, or analyze it live")),
      absl::StrCat("queues/", queue.name));
}

}  // namespace

struct PlanService::Snapshot {
  Queue queue;
  int64_t sequence = 0;
  absl::Time now;
  batching::RowSet set;
  std::string lacking;  // as of AbleWorkers; the workers do not do it
  bool nobody = false;  // no worker is here
};

std::string PlanService::NothingToPlan(const Snapshot& snapshot) {
  std::string text = batching::NothingToPlan(snapshot.set);
  if (!snapshot.lacking.empty()) {
    absl::StrAppend(&text, " (", snapshot.lacking, ")");
  }
  return text;
}

void PlanService::WarnOfWorkers(const Snapshot& snapshot,
                                batching::PlanReport* report) {
  std::string text;
  if (snapshot.nobody) {
    text = "no worker is here: nobody knows what they will be able to do";
  } else if (!snapshot.lacking.empty()) {
    text = absl::StrCat("left out, since no worker here does it: ",
                        snapshot.lacking);
  } else {
    return;
  }
  report->warnings.push_back({batching::Warning::kNoWorker, std::move(text)});
}

void PlanService::Stop() {
  stopping_ = true;
  runner_.Stop();
}

bool PlanService::Enter(const CallOptions& call) {
  if (call.own) return true;
  absl::MutexLock lock(&mutex_);
  const auto of_one = waiting_.find(call.group);
  if (all_waiting_ == kWaitingMax ||
      (of_one != waiting_.end() && of_one->second == kWaitingOfOneMax)) {
    return false;
  }
  ++all_waiting_;
  ++waiting_[call.group];
  return true;
}

void PlanService::Leave(const CallOptions& call) {
  if (call.own) return;
  absl::MutexLock lock(&mutex_);
  --all_waiting_;
  const auto of_one = waiting_.find(call.group);
  if (--of_one->second == 0) waiting_.erase(of_one);
}

void PlanService::Analyze(Question question, Done done) {
  if (!Enter(question.call)) {
    return done(WithRetryAfter(
        Error(Reason::kOverloaded, "too many analyses wait already"),
        absl::Seconds(5)));
  }
  runner_.Run([this, question = std::move(question), done = std::move(done)] {
    absl::StatusOr<Analysis> analysis = Analysis();
    if (stopping_) {
      analysis = Error(Reason::kServerStopping, "the server is stopping");
    } else if (question.call.cancelled && question.call.cancelled()) {
      analysis = Error(Reason::kCallCancelled, "the caller has left");
    } else {
      analysis = AnalyzeNow(question);
    }
    Leave(question.call);
    done(std::move(analysis));
  });
}

absl::StatusOr<PlanService::Snapshot> PlanService::Look(
    const Question& question) {
  Snapshot snapshot;
  const auto look = [&](View& view) -> absl::Status {
    snapshot = Snapshot();
    snapshot.set.shapes = batching::ShapeTable(
        {.models = CommonModels(workers_.List(), prices_)});
    SHEAF_ASSIGN_OR_RETURN(snapshot.queue,
                           FindQueueOrError(view, question.queue));
    SHEAF_RETURN_IF_ERROR(CheckPaused(snapshot.queue, question.live));
    snapshot.sequence = view.LastSequence();
    snapshot.now = view.now();
    AbleWorkers workers(workers_.Staying());
    view.ForEachWaiting(question.queue, [&](const WaitingRun& waiting) {
      if (IsBatchable(waiting.lane.kind) && !workers.Take(waiting.lane)) {
        ++snapshot.set.unplanned[batching::Unplanned::kNoWorker];
        return;
      }
      snapshot.set.Add(waiting.run, waiting.lane.kind, waiting.lane.owner,
                       waiting.params, snapshot.now);
    });
    snapshot.lacking = workers.Lacking();
    snapshot.nobody = workers.nobody();
    return absl::OkStatus();
  };
  SHEAF_RETURN_IF_ERROR(
      ReadAndWait(*store_, look,
                  {.length = CallOptions::Length::kScan,
                   .cancelled = [this] { return stopping_.load(); },
                   .own = true}));
  snapshot.set.Sort();
  return snapshot;
}

// By the most controls that a run of the key uses.
std::function<int(const batching::BatchKey&)> PlanService::RowsMaxOf(
    const batching::RowSet& set) const {
  std::map<std::string, int> controls;
  for (size_t i = 0; i < set.shapes.shapes(); ++i) {
    const batching::Shape& shape = set.shapes.shape(static_cast<uint32_t>(i));
    int& most = controls[set.shapes.key(shape.key).text];
    const auto used = set.shapes.signature(shape.signature).size();
    most = std::max(most, static_cast<int>(used));
  }
  return [this, controls](const batching::BatchKey& key) {
    return memory_.RowsMaxAnywhere(
        {"", key.model, key.width, key.height,
         std::min(controls.at(key.text), WorkKind::kControlsMax)});
  };
}

batching::PlanOptions PlanService::OptionsOf(const Question& question,
                                             const Snapshot& snapshot) const {
  const QueueSettings& settings = snapshot.queue.settings;
  const PlanningSettings& own = question.planning;
  batching::PlanOptions options;
  options.batch_size =
      question.batch_size > 0 ? question.batch_size : settings.batch_size;
  options.harm_max = own.harm_max.value_or(settings.harm_max);
  options.waiting_weight =
      own.waiting_percent.value_or(settings.waiting_percent) / 100.0;
  options.knee_share = own.knee_percent.value_or(settings.knee_percent) / 100.0;
  options.across_priorities =
      own.across_priorities.value_or(settings.across_priorities);
  options.defer_max = kDeferMax;
  options.now = snapshot.now;
  options.rows_max = RowsMaxOf(snapshot.set);
  options.threads = kThreads;
  return options;
}

absl::StatusOr<PlanService::Analysis> PlanService::AnalyzeNow(
    const Question& question) {
  SHEAF_ASSIGN_OR_RETURN(Snapshot snapshot, Look(question));
  batching::RowSet& set = snapshot.set;
  if (set.rows.empty()) return Analysis{{}, NothingToPlan(snapshot)};
  const batching::Calibration calibration = prices_.For(set);
  const batching::CostModel model(&set.shapes, prices_.PricesOf(set.shapes),
                                  calibration.correction);
  if (const auto turns = turns_()) batching::SortByTurns(*turns, model, &set);
  const batching::PlanOptions options = OptionsOf(question, snapshot);
  const auto plan_by = [&](bool greedy) {
    return batching::MakeBestPlan(
        set, model,
        batching::RulesFor(question.mode, greedy, question.signature), options);
  };
  const batching::Plan plan = plan_by(question.greedy);
  batching::PlanReport report =
      batching::Report(set, model, plan, calibration, options);
  if (batching::IsNothing(report)) {
    return Analysis{{}, NothingToPlan(snapshot)};
  }
  WarnOfWorkers(snapshot, &report);
  if (!question.greedy && question.mode == batching::Mode::kMixed &&
      set.rows.size() <= kFullestRowsMax) {
    batching::NoteFullest(plan_by(true), model, calibration, &report);
  }

  PlanRecord record;
  record.queue = question.queue;
  record.live = question.live;
  record.revision = snapshot.queue.revision;
  record.sequence = snapshot.sequence;
  record.run_count = report.runs;
  record.job_count = report.jobs;
  record.batch_count = report.batches;
  record.mode = std::string(batching::TextOf(question.mode));
  record.report = batching::ReportJson(report, options.batch_size);
  record.preview = batching::PlanText(set, plan, report,
                                      {.mode = question.mode,
                                       .batch_size = options.batch_size,
                                       .heuristic = question.heuristic});
  Analysis analysis;
  analysis.message = batching::Headline(report);
  analysis.speedup = report.speedup;
  analysis.worth_executing =
      batching::IsWorthExecuting(report, question.gain_min);
  LogDecision(record, report);
  if (question.look_only) {
    SHEAF_ASSIGN_OR_RETURN(analysis.batches, FirstBatches(snapshot, plan));
    analysis.plan = std::move(record);
  } else {
    SHEAF_ASSIGN_OR_RETURN(
        analysis.plan, Keep(snapshot, plan, std::move(record), question.call));
  }
  return analysis;
}

absl::StatusOr<std::vector<batching::WeightedBatch>> PlanService::FirstBatches(
    const Snapshot& snapshot, const batching::Plan& plan) {
  std::vector<batching::WeightedBatch> batches;
  const auto weigh = [&](View& view) {
    batches.clear();
    const size_t count = std::min(plan.batches.size(), kBatchesShown);
    for (size_t i = 0; i < count; ++i) {
      batches.push_back(
          batching::Weighted(view, StoredBatch(snapshot.set, plan, i)));
    }
    return absl::OkStatus();
  };
  SHEAF_RETURN_IF_ERROR(
      ReadAndWait(*store_, weigh,
                  {.length = CallOptions::Length::kScan,
                   .cancelled = [this] { return stopping_.load(); },
                   .own = true}));
  return batches;
}

absl::StatusOr<PlanRecord> PlanService::Keep(const Snapshot& snapshot,
                                             const batching::Plan& plan,
                                             PlanRecord record,
                                             const CallOptions& call) {
  PlanRecord begun;
  SHEAF_RETURN_IF_ERROR(WriteAndWait(
      *store_,
      [&](Tx& tx) {
        begun = BeginPlan(tx, record);
        return absl::OkStatus();
      },
      call));
  for (size_t from = 0; from < plan.batches.size(); from += kSlice) {
    if (stopping_) return Error(Reason::kServerStopping, "the server stops");
    std::vector<PlanBatch> slice;
    for (size_t i = from; i < std::min(from + kSlice, plan.batches.size());
         ++i) {
      slice.push_back(StoredBatch(snapshot.set, plan, i));
    }
    SHEAF_RETURN_IF_ERROR(WriteAndWait(
        *store_, [&](Tx& tx) { return AddToPlan(tx, begun.id, slice); }, call));
  }
  SHEAF_RETURN_IF_ERROR(WriteAndWait(
      *store_,
      [&](Tx& tx) -> absl::Status {
        SHEAF_ASSIGN_OR_RETURN(begun, SealPlan(tx, begun.id));
        return absl::OkStatus();
      },
      call));
  return begun;
}

}  // namespace sheaf::server
