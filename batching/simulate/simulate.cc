#include "batching/simulate/simulate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/near_word.h"
#include "base/status.h"
#include "batching/continuous/batch_forming.h"
#include "batching/plan/planner.h"
#include "batching/simulate/device.h"
#include "batching/simulate/joining.h"
#include "batching/simulate/waiting_rows.h"

namespace sheaf::batching {
namespace {

constexpr char kContinuous[] = "continuous";
constexpr int kBatchSizeMax = 1024;
constexpr double kForever = std::numeric_limits<double>::infinity();
// Waiting runs that are looked at to form one batch.
constexpr size_t kCandidatesMax = 256;
// Later runs that may join before a run does, for each row of a full device.
constexpr uint32_t kOvertakenMax = 16;
// Waiting runs up to which ways to let them join are tried out beforehand.
constexpr size_t kForesightMax = 2'048;     // each time the device is empty
constexpr size_t kForesightOnce = 100'000;  // once, when nothing more arrives

absl::Time At(double ms) { return absl::UnixEpoch() + absl::Milliseconds(ms); }

class Simulation {
 public:
  Simulation(const Trace& trace, const Profile& profile,
             const SimulateOptions& options, Computation computation)
      : set_(trace.set),
        options_(options),
        queued_(options.arrivals == Arrivals::kQueued),
        model_(&trace.set.shapes, profile),
        waiting_(&trace.set, queued_),
        device_(&trace.set, &model_, computation) {}

  // Plans all waiting runs, and again once a tenth of them is new: with a long
  // backlog a plan for each arrival would gain little and cost much.
  void RunPlanned(Policy policy) {
    PlanOptions plan_options;
    plan_options.batch_size = options_.batch_size;
    plan_options.across_priorities = queued_;
    // Plans that arrivals soon overtake are not worth much polishing.
    if (!queued_) plan_options.exchanges_max /= 10;
    Plan plan;
    size_t next = 0;
    while (AwaitWork()) {
      if (arrived_ * 10 >= waiting_.count() || next == plan.batches.size()) {
        plan = MakePlan(set_, model_, policy, plan_options, waiting_.All());
        next = 0;
        arrived_ = 0;
      }
      RunBatch(plan.RowsOf(plan.batches[next++]));
    }
  }

  // Forms each batch when the device is free, by the waiting rule.
  void RunWaiting(WaitPolicy policy) {
    policy.batch_max = options_.batch_size;
    while (AwaitWork()) {
      std::vector<std::vector<uint32_t>> rows;
      const std::vector<Head> heads = Heads(policy, &rows);
      const DeviceView view = {.depth = waiting_.count()};
      const Choice choice = ChooseBatch(heads, policy, view, At(now()));
      if (choice.head) {
        RunBatch(rows[*choice.head]);
        continue;
      }
      const double until =
          absl::ToDoubleMilliseconds(choice.wait_until - absl::UnixEpoch());
      // Past the moment, if by a hair: clocks round differently.
      device_.IdleUntil(
          std::max(std::min(until, waiting_.NextArrival()), now() + 0.01));
    }
  }

  // Rows join at every step as long as there is room and that is the cheapest
  // way for the runs that wait; where it is not, they go in batches.
  void RunContinuous() {
    while (device_.live() > 0 || AwaitWork()) {
      waiting_.ArriveBy(now());
      if (device_.live() == 0) {
        if (way_.next == way_.plan.batches.size()) way_ = ChooseWay(NextKey());
        if (!way_.plan.batches.empty()) {
          Admit(way_.plan.RowsOf(way_.plan.batches[way_.next++]));
        }
      }
      if (way_.plan.batches.empty()) Join();
      Step();
    }
  }

  Simulated Result(const std::string& policy, const std::string& profile) const;

 private:
  double now() const { return device_.now_ms(); }

  // Lets time pass until something waits; false once nothing will.
  bool AwaitWork() {
    arrived_ += waiting_.ArriveBy(now());
    while (waiting_.count() == 0) {
      if (waiting_.done()) return false;
      device_.IdleUntil(waiting_.NextArrival());
      arrived_ += waiting_.ArriveBy(now());
    }
    return true;
  }

  void Admit(absl::Span<const uint32_t> rows) {
    for (const uint32_t row : rows) waiting_.Take(row);
    device_.Admit(rows);
    for (const uint32_t row : rows) under_way_.push_back({row, 0});
    batches_ += rows.empty() ? 0 : 1;
  }

  void Step() {
    for (RowUnderWay& row : under_way_) ++row.step;
    for (const VirtualDevice::Ended& ended : device_.Step()) {
      completion_.push_back(ended.at_ms - waiting_.ArrivalOf(ended.row));
      std::erase_if(under_way_, [&](const RowUnderWay& row) {
        return row.row == ended.row;
      });
    }
  }

  void RunBatch(absl::Span<const uint32_t> rows) {
    Admit(rows);
    while (device_.live() > 0) Step();
  }

  std::vector<Head> Heads(const WaitPolicy& policy,
                          std::vector<std::vector<uint32_t>>* rows) const;

  // How the runs of one key go on the device: joining each other, or by a plan.
  struct Way {
    uint32_t key = 0;
    double since_ms = 0;
    JoinRule rule = JoinRule::kControls;
    Plan plan;        // empty: they join
    size_t next = 0;  // of its batches
  };
  uint32_t NextKey() const;
  Way ChooseWay(uint32_t key) const;
  void Join();

  const RowSet& set_;
  const SimulateOptions& options_;
  const bool queued_;
  CostModel model_;
  WaitingRows waiting_;
  VirtualDevice device_;
  std::vector<RowUnderWay> under_way_;
  Way way_;
  uint32_t newest_joined_ = 0;  // by place
  int64_t arrived_ = 0;         // since the last plan
  int64_t batches_ = 0;
  std::vector<double> completion_;
};

std::vector<Head> Simulation::Heads(
    const WaitPolicy& policy, std::vector<std::vector<uint32_t>>* rows) const {
  std::vector<Head> heads;
  for (const auto& [key, places] : waiting_.by_key()) {
    const auto waiting = waiting_.Oldest(key, kCandidatesMax);
    auto batch = FormBatch(set_, model_, waiting, options_.batch_size);
    Head head = HeadOf(set_, model_, batch);
    head.rows_max = options_.batch_size;
    if (policy.rule == WaitRule::kEconomic) {
      const int knee = Knee(model_.profile(), 2 * options_.batch_size, 0.05);
      head.rows_max = std::min(head.rows_max, (knee + 1) / 2);
    }
    head.oldest = At(waiting_.ArrivalOf(batch[0]));
    head.arrivals_per_second = waiting_.ArrivalsPerSecond(key, now());
    head.loaded = set_.shapes.key(key).loaded == device_.loaded();
    heads.push_back(head);
    rows->push_back(std::move(batch));
  }
  return heads;
}

// The key of the run that goes first: the highest priority, then the oldest.
uint32_t Simulation::NextKey() const {
  uint32_t best = waiting_.by_key().begin()->first;
  uint32_t best_row = waiting_.Oldest(best, 1)[0];
  for (const auto& [key, places] : waiting_.by_key()) {
    const uint32_t row = waiting_.RowAt(*places.begin());
    const bool before =
        set_.rows[row].priority != set_.rows[best_row].priority
            ? set_.rows[row].priority > set_.rows[best_row].priority
            : waiting_.ArrivalOf(row) < waiting_.ArrivalOf(best_row);
    if (!before) continue;
    best = key;
    best_row = row;
  }
  return best;
}

Simulation::Way Simulation::ChooseWay(uint32_t key) const {
  Way way = {.key = key, .since_ms = now()};
  const size_t limit = queued_ ? kForesightOnce : kForesightMax;
  const auto waiting = waiting_.Oldest(key, limit + 1);
  if (waiting.size() > limit) return way;
  double least = kForever;
  for (const JoinRule rule : {JoinRule::kControls, JoinRule::kLongest}) {
    const double ms =
        DrainTime(set_, model_, waiting, options_.batch_size, rule);
    if (ms < least) way.rule = rule;
    least = std::min(least, ms);
  }
  // While more runs arrive, joining makes them wait less: batches would keep
  // them out.
  if (!queued_) return way;
  PlanOptions plan_options;
  plan_options.batch_size = options_.batch_size;
  plan_options.across_priorities = true;
  Plan plan = MakePlan(set_, model_, Policy::kBest, plan_options, waiting);
  if (plan.gpu_ms < least) way.plan = std::move(plan);
  return way;
}

void Simulation::Join() {
  const uint32_t key = way_.key;
  const int room = options_.batch_size - device_.live();
  const double patience =
      queued_ ? kForever
              : absl::ToDoubleMilliseconds(options_.waiting.defer_max);
  // Others have been passed over for long enough: let this key run dry.
  for (const auto& [other, places] : waiting_.by_key()) {
    const double arrival = waiting_.ArrivalOf(waiting_.RowAt(*places.begin()));
    if (other == key || device_.live() == 0) continue;
    if (now() - std::max(arrival, way_.since_ms) > patience) return;
  }
  if (room <= 0) return;
  const auto candidates = waiting_.Oldest(key, kJoinCandidatesMax);
  if (candidates.empty()) return;
  std::vector<uint32_t> joining;
  // No run is overtaken without end, however badly it fits. Where all runs came
  // together (`queued_`), none counts as overtaken.
  const uint32_t overtaken = kOvertakenMax * options_.batch_size;
  if (!queued_ &&
      waiting_.PlaceOf(candidates[0]) + overtaken < newest_joined_) {
    joining.push_back(candidates[0]);
  } else {
    joining =
        ChooseJoining(set_, model_, under_way_, candidates, room, way_.rule);
  }
  for (const uint32_t row : joining) {
    newest_joined_ = std::max(newest_joined_, waiting_.PlaceOf(row));
  }
  Admit(joining);
}

double Percentile(const std::vector<double>& sorted, double part) {
  const auto rank =
      static_cast<size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

Simulated Simulation::Result(const std::string& policy,
                             const std::string& profile) const {
  Simulated result;
  result.policy = policy;
  result.profile = profile;
  result.batch_size = options_.batch_size;
  result.runs = static_cast<int64_t>(completion_.size());
  result.batches = batches_;
  result.gpu_ms = device_.gpu_ms();
  result.swaps = device_.swaps();
  result.swap_ms = static_cast<double>(device_.swaps()) * model_.profile().swap;
  result.end_ms = device_.now_ms();
  if (completion_.empty()) return result;
  result.fill = static_cast<double>(device_.row_steps()) /
                static_cast<double>(device_.steps() * options_.batch_size);
  std::vector<double> sorted = completion_;
  std::sort(sorted.begin(), sorted.end());
  double sum = 0;
  for (const double ms : sorted) sum += ms;
  result.mean_ms = sum / static_cast<double>(sorted.size());
  result.p95_ms = Percentile(sorted, 0.95);
  result.p99_ms = Percentile(sorted, 0.99);
  // The times that each run would take alone, and each job's runs as they came.
  double singles = 0;
  for (const Row& row : set_.rows) {
    singles += model_.Alike(set_.shapes.shape(row.shape).cost, 1);
  }
  PlanOptions natural;
  natural.batch_size = options_.batch_size;
  natural.across_priorities = true;
  const Plan jobs = MakePlan(set_, model_, Policy::kNatural, natural);
  result.gain_over_singles = singles / result.gpu_ms;
  result.gain_over_natural = jobs.gpu_ms / result.gpu_ms;
  return result;
}

}  // namespace

std::vector<std::string> SimulatedPolicies() {
  std::vector<std::string> names;
  for (const PolicySpec& spec : PolicySpecs()) names.emplace_back(spec.name);
  names.emplace_back(NameOf(WaitRule::kAdaptive));
  names.emplace_back(NameOf(WaitRule::kEconomic));
  names.emplace_back(kContinuous);
  return names;
}

absl::StatusOr<Simulated> Simulate(const Trace& trace, const Profile& profile,
                                   const std::string& policy,
                                   const SimulateOptions& options) {
  if (options.batch_size < 1 || options.batch_size > kBatchSizeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch size must be 1 to ", kBatchSizeMax));
  }
  const auto planned = ParsePolicy(policy);
  const auto rule = ParseWaitRule(policy);
  const Computation computation =
      planned ? SpecOf(*planned).computation : Computation::kGathered;
  Simulation simulation(trace, profile, options, computation);
  if (planned) {
    simulation.RunPlanned(*planned);
  } else if (rule && *rule != WaitRule::kOff) {
    WaitPolicy waiting = options.waiting;
    waiting.rule = *rule;
    simulation.RunWaiting(waiting);
  } else if (policy == kContinuous) {
    simulation.RunContinuous();
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no policy '", policy, "'",
                     DidYouMean(policy, SimulatedPolicies()), "; there are ",
                     absl::StrJoin(SimulatedPolicies(), ", ")));
  }
  return simulation.Result(policy, profile.name);
}

}  // namespace sheaf::batching
