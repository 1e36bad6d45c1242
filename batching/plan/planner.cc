#include "batching/plan/planner.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>

#include "batching/plan/group_filler.h"
#include "batching/plan/groups.h"
#include "batching/plan/timeline.h"

namespace sheaf::batching {
namespace {

using Rules = absl::Span<const PolicySpec>;

constexpr size_t kRowsForThreads = 10'000;

// Adds the batches of one key to the plan. Rows of a batch stand in the order
// in which they came.
void AppendTo(const RowSet& set, const Filled& filled, uint32_t key,
              Plan* plan) {
  plan->candidate_ms.resize(filled.candidate_ms.size());
  for (size_t i = 0; i < filled.candidate_ms.size(); ++i) {
    plan->candidate_ms[i] += filled.candidate_ms[i];
  }
  size_t at = 0;
  for (const Filled::Part& part : filled.parts) {
    PlannedBatch batch;
    batch.begin = static_cast<uint32_t>(plan->order.size());
    batch.count = part.count;
    batch.key = key;
    batch.end = part.end;
    batch.ms = part.ms;
    const auto first = filled.order.begin() + at;
    plan->order.insert(plan->order.end(), first, first + part.count);
    std::sort(plan->order.begin() + batch.begin, plan->order.end());
    for (const uint32_t row : plan->RowsOf(batch)) {
      batch.priority = std::max(batch.priority, set.rows[row].priority);
    }
    plan->batches.push_back(batch);
    plan->gpu_ms += part.ms;
    at += part.count;
  }
}

// Calls `work(i)` for each i below `count` on so many threads.
void ForEach(size_t count, int threads,
             const std::function<void(size_t i)>& work) {
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads && helpers.size() + 1 < count; ++i) {
    helpers.emplace_back(take);
  }
  take();
  for (std::thread& helper : helpers) helper.join();
}

// Batches over some of the rows, not yet ordered.
Plan Divide(const RowSet& set, const CostModel& model,
            absl::Span<const uint32_t> rows, Rules rules,
            const PlanOptions& options) {
  const Groups groups = GroupByKey(set, rows, options.across_priorities);
  const Effort effort = EffortFor(rows.size(), options);
  const auto key_of = [&](size_t group) {
    return set.shapes.shape(set.rows[groups.of(group)[0]].shape).key;
  };
  std::vector<Filled> filled(groups.size());
  // A thread costs more to start than few rows take to plan.
  const int threads = rows.size() < kRowsForThreads ? 1 : options.threads;
  ForEach(groups.size(), threads, [&](size_t i) {
    const CostModel own = model;  // its scratch is not shared
    const SizeLimit limit = LimitOf(own, set.shapes.key(key_of(i)), options);
    filled[i] = rules.size() == 1 ? FillByRule(set, own, groups.of(i), rules[0],
                                               limit, options, effort)
                                  : FillBest(set, own, groups.of(i), rules,
                                             limit, options, effort);
  });
  Plan plan;
  plan.order.reserve(rows.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    AppendTo(set, filled[i], key_of(i), &plan);
    filled[i] = Filled();
  }
  return plan;
}

// When each batch should run: as the first of its rows would have, or sooner
// where a deadline asks for it.
std::vector<double> DueTimes(const RowSet& set, const Timeline* fifo,
                             const PlanOptions& options, const Plan& plan) {
  std::vector<double> due;
  due.reserve(plan.batches.size());
  const int64_t now = absl::ToUnixMillis(options.now);
  for (const PlannedBatch& batch : plan.batches) {
    double first = std::numeric_limits<double>::infinity();
    for (const uint32_t row : plan.RowsOf(batch)) {
      // Without a timeline the place in line serves as well.
      first = std::min(first, fifo == nullptr ? row : fifo->start_ms[row]);
      if (fifo == nullptr || set.rows[row].deadline == kNever) continue;
      const auto left = static_cast<double>(set.rows[row].deadline - now);
      first = std::min(first, left);
    }
    due.push_back(first);
  }
  return due;
}

bool HasDeadlines(const RowSet& set) {
  return std::any_of(set.rows.begin(), set.rows.end(),
                     [](const Row& row) { return row.deadline != kNever; });
}

void PutInOrder(const RowSet& set, const CostModel& model, const Timeline* fifo,
                const PlanOptions& options, Plan* plan) {
  OrderBatches(set, model, DueTimes(set, fifo, options, *plan),
               absl::ToDoubleMilliseconds(options.defer_max), plan);
}

// Plans the queue stretch by stretch, each as long as it can be without a run
// in it ending later than FIFO allows. Time that is saved early lets later
// stretches be longer, so they soon grow.
class Harmless {
 public:
  Harmless(const RowSet& set, const CostModel& model, Rules rules,
           const PlanOptions& options, const Plan& fifo,
           const Timeline& fifo_time)
      : set_(set),
        model_(model),
        rules_(rules),
        options_(options),
        fifo_(fifo),
        fifo_time_(fifo_time) {}

  Plan Run() {
    if (rules_.size() > 1) plan_.candidate_ms.assign(rules_.size(), 0);
    size_t done = 0;
    size_t length = fifo_.batches.size();
    while (done < fifo_.batches.size()) {
      length = std::min(length, fifo_.batches.size() - done);
      Plan stretch = Stretch(done, length);
      const PlannedBatch& last = fifo_.batches[done + length - 1];
      if (length > 1 && !Fits(stretch, last)) {
        // A long stretch shrinks fast: most whole queues fit or fail by far.
        length = length > 64 ? length / 8 : length / 2;
        continue;
      }
      Append(stretch);
      done += length;
      length *= 2;
    }
    return std::move(plan_);
  }

 private:
  // The runs of FIFO batches [first, first + count), planned again. One batch
  // stays as it is.
  Plan Stretch(size_t first, size_t count) {
    std::vector<uint32_t> rows;
    for (size_t i = first; i < first + count; ++i) {
      const auto members = fifo_.RowsOf(fifo_.batches[i]);
      rows.insert(rows.end(), members.begin(), members.end());
    }
    if (count == 1) {
      Plan plan;
      plan.order = rows;
      plan.batches = {fifo_.batches[first]};
      plan.batches[0].begin = 0;
      plan.gpu_ms = plan.batches[0].ms;
      return plan;
    }
    std::sort(rows.begin(), rows.end());
    Plan plan = Divide(set_, model_, rows, rules_, options_);
    PutInOrder(set_, model_, &fifo_time_, options_, &plan);
    return plan;
  }

  // Whether nobody in the stretch, and nobody after it, ends too late.
  bool Fits(const Plan& stretch, const PlannedBatch& fifo_last) const {
    const double harm_max = absl::ToDoubleMilliseconds(options_.harm_max);
    double now = now_;
    uint32_t loaded = loaded_;
    for (const PlannedBatch& batch : stretch.batches) {
      Advance(batch, &now, &loaded);
      for (const uint32_t row : stretch.RowsOf(batch)) {
        if (now > fifo_time_.end_ms[row] + harm_max + 1e-6) return false;
      }
    }
    // The next batch may need the model that FIFO would have loaded by now.
    const BatchKey& next = set_.shapes.key(fifo_last.key);
    if (loaded != next.loaded) now += model_.profile(next.work).swap;
    const uint32_t last = fifo_.RowsOf(fifo_last)[0];
    return now <= fifo_time_.end_ms[last] + harm_max + 1e-6;
  }

  void Append(const Plan& stretch) {
    for (PlannedBatch batch : stretch.batches) {
      const auto rows = stretch.RowsOf(batch);
      const uint32_t before = loaded_;
      Advance(batch, &now_, &loaded_);
      if (before != kNothing && before != loaded_) {
        const uint32_t work = set_.shapes.key(batch.key).work;
        ++plan_.swaps;
        plan_.swap_ms += model_.profile(work).swap;
      }
      batch.begin = static_cast<uint32_t>(plan_.order.size());
      plan_.order.insert(plan_.order.end(), rows.begin(), rows.end());
      plan_.batches.push_back(batch);
      plan_.gpu_ms += batch.ms;
    }
    // A stretch that was left alone costs the same by every rule.
    for (size_t i = 0; i < plan_.candidate_ms.size(); ++i) {
      plan_.candidate_ms[i] += stretch.candidate_ms.empty()
                                   ? stretch.gpu_ms
                                   : stretch.candidate_ms[i];
    }
  }

  void Advance(const PlannedBatch& batch, double* now, uint32_t* loaded) const {
    const BatchKey& key = set_.shapes.key(batch.key);
    if (*loaded != kNothing && key.loaded != *loaded) {
      *now += model_.profile(key.work).swap;
    }
    *loaded = key.loaded;
    *now += batch.ms;
  }

  static constexpr uint32_t kNothing = 0xffffffff;

  const RowSet& set_;
  const CostModel& model_;
  const Rules rules_;
  const PlanOptions& options_;
  const Plan& fifo_;
  const Timeline& fifo_time_;
  Plan plan_;
  double now_ = 0;
  uint32_t loaded_ = kNothing;
};

Plan Chosen(const RowSet& set, const CostModel& model, Rules rules,
            const PlanOptions& options, absl::Span<const uint32_t> rows) {
  const bool harmless = options.harm_max < absl::InfiniteDuration();
  if (!harmless && !HasDeadlines(set)) {
    Plan plan = Divide(set, model, rows, rules, options);
    PutInOrder(set, model, nullptr, options, &plan);
    return plan;
  }
  PlanOptions fifo_options = options;
  fifo_options.harm_max = absl::InfiniteDuration();
  fifo_options.defer_max = absl::ZeroDuration();
  const PolicySpec natural = SpecOf(Policy::kNatural);
  Plan fifo = Divide(set, model, rows, {&natural, 1}, fifo_options);
  PutInOrder(set, model, nullptr, fifo_options, &fifo);
  const Timeline fifo_time = TimelineOf(set, model, fifo);
  if (harmless) {
    return Harmless(set, model, rules, options, fifo, fifo_time).Run();
  }
  Plan plan = Divide(set, model, rows, rules, options);
  PutInOrder(set, model, &fifo_time, options, &plan);
  return plan;
}

Plan MakeBy(const RowSet& set, const CostModel& model, Rules rules,
            const PlanOptions& options, absl::Span<const uint32_t> rows) {
  Plan plan = Chosen(set, model, rules, options, rows);
  if (rules.size() > 1) plan.candidates.assign(rules.begin(), rules.end());
  return plan;
}

std::vector<uint32_t> AllRows(const RowSet& set) {
  std::vector<uint32_t> rows(set.rows.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

}  // namespace

Plan MakePlan(const RowSet& set, const CostModel& model, const PolicySpec& spec,
              const PlanOptions& options) {
  Plan plan = MakeBy(set, model, {&spec, 1}, options, AllRows(set));
  plan.policy = spec.policy;
  plan.computation = spec.computation;
  return plan;
}

Plan MakeBestPlan(const RowSet& set, const CostModel& model, Rules candidates,
                  const PlanOptions& options) {
  Plan plan = MakeBy(set, model, candidates, options, AllRows(set));
  plan.policy = Policy::kBest;
  return plan;
}

Plan MakePlan(const RowSet& set, const CostModel& model, Policy policy,
              const PlanOptions& options) {
  return MakePlan(set, model, policy, options, AllRows(set));
}

Plan MakePlan(const RowSet& set, const CostModel& model, Policy policy,
              const PlanOptions& options, absl::Span<const uint32_t> rows) {
  const Rules rules = policy == Policy::kBest ? Rules(BestCandidates())
                                              : Rules(&SpecOf(policy), 1);
  Plan plan = MakeBy(set, model, rules, options, rows);
  plan.policy = policy;
  plan.computation = SpecOf(policy).computation;
  return plan;
}

double LowerBound(const RowSet& set, const CostModel& model, int batch_size) {
  std::vector<double> share(set.shapes.costs(), -1);
  double sum = 0;
  for (const Row& row : set.rows) {
    const uint32_t cost = set.shapes.shape(row.shape).cost;
    if (share[cost] < 0) share[cost] = model.ShareAtLeast(cost, batch_size);
    sum += share[cost];
  }
  return sum;
}

}  // namespace sheaf::batching
