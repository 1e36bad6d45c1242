#include "batching/plan/group_filler.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "batching/plan/groups.h"
#include "batching/plan/optimal_cuts.h"

namespace sheaf::batching {
namespace {

// Fewer exchanges would not get through a group once.
constexpr int64_t kExchangesMin = 1'000;

uint32_t CostOf(const RowSet& set, uint32_t row) {
  return set.shapes.shape(set.rows[row].shape).cost;
}

std::vector<uint32_t> ClassesOf(const RowSet& set,
                                absl::Span<const uint32_t> rows) {
  std::vector<uint32_t> classes;
  classes.reserve(rows.size());
  for (const uint32_t row : rows) classes.push_back(CostOf(set, row));
  return classes;
}

bool AreAlike(absl::Span<const uint32_t> classes) {
  return std::all_of(classes.begin(), classes.end(),
                     [&](uint32_t c) { return c == classes[0]; });
}

// Appends `rows` cut into batches of the given sizes.
class Appender {
 public:
  Appender(const CostModel& model, Computation computation, SizeLimit limit,
           Filled* filled)
      : model_(model),
        computation_(computation),
        limit_(limit),
        filled_(*filled) {}

  // `short_end` is why a batch below the limit ends, but for the last one.
  void Append(absl::Span<const uint32_t> rows,
              absl::Span<const uint32_t> classes, int count,
              BatchEnd short_end) {
    const auto part = classes.subspan(0, count);
    const bool full = count >= limit_.rows;
    const bool alike = std::all_of(part.begin(), part.end(),
                                   [&](uint32_t c) { return c == part[0]; });
    const double ms =
        alike ? model_.Alike(part[0], count) : model_.Batch(part, computation_);
    filled_.order.insert(filled_.order.end(), rows.begin(),
                         rows.begin() + count);
    filled_.parts.push_back(
        {static_cast<uint32_t>(count), full ? limit_.end : short_end, ms});
    filled_.ms += ms;
  }

  void AppendChunks(const RowSet& set, absl::Span<const uint32_t> rows,
                    int size, BatchEnd last) {
    const std::vector<uint32_t> classes = ClassesOf(set, rows);
    for (size_t i = 0; i < rows.size(); i += size) {
      const size_t count = std::min<size_t>(size, rows.size() - i);
      Append(rows.subspan(i), absl::MakeConstSpan(classes).subspan(i),
             static_cast<int>(count), last);
    }
  }

 private:
  const CostModel& model_;
  Computation computation_;
  SizeLimit limit_;
  Filled& filled_;
};

// The cheapest cuts of the group over all orders that are worth their time.
struct Division {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> classes;
  Cuts cuts;
};

Division CutBest(const RowSet& set, const CostModel& model,
                 absl::Span<const uint32_t> rows, const CutOptions& options) {
  Division best;
  const std::vector<uint32_t> arrived = ClassesOf(set, rows);
  // Rows that cost the same cost it in every order; arrival is fairest.
  const bool alike = AreAlike(arrived);
  int64_t work_left = options.work_max;
  for (const Order order : kOrders) {
    if (alike && order != Order::kArrival) continue;
    // Putting rows in an order is work, too. An order that scatters shapes is
    // left out where less than half of the work that it may cost is left.
    const int64_t scattered = static_cast<int64_t>(rows.size()) *
                              options.size_max * (options.size_max + 1) / 4;
    if (order > Order::kStepsWidth && !alike && work_left < scattered) break;
    Division division;
    division.rows = Ordered(set, rows, order);
    division.classes = ClassesOf(set, division.rows);
    const bool first = best.rows.empty();
    if (!first && division.classes == best.classes) continue;
    // The first order is cut in any case, if with fewer sizes.
    const int64_t work = UnlikeWork(division.classes, options.size_max);
    if (!first && work > work_left) continue;
    work_left -= work;
    division.cuts = Cut(model, division.classes, options);
    if (first || division.cuts.weighed < best.cuts.weighed) {
      best = std::move(division);
    }
  }
  return best;
}

void FillOptimal(const RowSet& set, const CostModel& model,
                 absl::Span<const uint32_t> rows, const CutOptions& options,
                 Appender* out) {
  const Division best = CutBest(set, model, rows, options);
  const auto ordered = absl::MakeConstSpan(best.rows);
  const auto classes = absl::MakeConstSpan(best.classes);
  size_t at = 0;
  for (const uint16_t size : best.cuts.sizes) {
    const bool last = at + size == rows.size();
    out->Append(ordered.subspan(at), classes.subspan(at), size,
                last ? BatchEnd::kLast : BatchEnd::kCheaper);
    at += size;
  }
}

// Turns the batches into loose ones and back, for exchanges.
void ImproveFilled(const RowSet& set, const CostModel& model, SizeLimit limit,
                   int64_t exchanges_max, Filled* filled) {
  std::vector<LooseBatch> loose;
  size_t at = 0;
  for (const Filled::Part& part : filled->parts) {
    LooseBatch& batch = loose.emplace_back();
    batch.rows.assign(filled->order.begin() + at,
                      filled->order.begin() + at + part.count);
    batch.classes = ClassesOf(set, batch.rows);
    batch.ms = part.ms;
    at += part.count;
  }
  if (Improve(model, limit.rows, exchanges_max, &loose) == 0) return;
  Filled improved;
  Appender out(model, Computation::kGathered, limit, &improved);
  for (const LooseBatch& batch : loose) {
    out.Append(batch.rows, batch.classes, static_cast<int>(batch.rows.size()),
               BatchEnd::kCheaper);
  }
  // Both are sums of rounded sums: only a plan that is really cheaper counts.
  if (improved.ms < filled->ms) *filled = std::move(improved);
}

}  // namespace

SizeLimit LimitOf(const CostModel& model, const BatchKey& key,
                  const PlanOptions& options) {
  if (key.disabled) return {1, BatchEnd::kAlone};
  SizeLimit limit{std::clamp(options.batch_size, 1, 0xffff), BatchEnd::kSize};
  const auto lower = [&limit](int rows, BatchEnd end) {
    if (rows < limit.rows) limit = {std::max(1, rows), end};
  };
  if (options.rows_max) lower(options.rows_max(key), BatchEnd::kMemory);
  if (options.knee_share > 0) {
    // Knees are told in UNet rows; a guided run is two.
    const int knee =
        Knee(model.profile(key.work), 2 * limit.rows, options.knee_share);
    lower((knee + 1) / 2, BatchEnd::kKnee);
  }
  return limit;
}

Effort EffortFor(size_t rows, const PlanOptions& options) {
  const auto count = static_cast<int64_t>(std::max<size_t>(1, rows));
  return {
      std::max(options.work_per_row, options.work_max / count),
      static_cast<double>(options.exchanges_max) / static_cast<double>(count)};
}

Filled FillByRule(const RowSet& set, const CostModel& model,
                  absl::Span<const uint32_t> rows, const PolicySpec& spec,
                  SizeLimit limit, const PlanOptions& options, Effort effort) {
  Filled filled;
  Appender out(model, spec.computation, limit, &filled);
  if (spec.fill == Fill::kSingles) {
    out.AppendChunks(set, rows, 1, BatchEnd::kAlone);
    return filled;
  }
  const bool jobs = spec.fill == Fill::kJobs;
  const Groups groups =
      jobs ? GroupByJob(set, rows) : GroupBy(set, rows, spec.grouping);
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto members = groups.of(i);
    if (spec.fill == Fill::kOptimal) {
      const auto count = static_cast<int64_t>(members.size());
      FillOptimal(set, model, members,
                  {.size_max = limit.rows,
                   .waiting_weight = options.waiting_weight,
                   .work_max = effort.work_per_row * count},
                  &out);
    } else {
      out.AppendChunks(set, members, limit.rows,
                       jobs ? BatchEnd::kJob : BatchEnd::kLast);
    }
  }
  return filled;
}

Filled FillBest(const RowSet& set, const CostModel& model,
                absl::Span<const uint32_t> rows,
                absl::Span<const PolicySpec> candidates, SizeLimit limit,
                const PlanOptions& options, Effort effort) {
  Filled best;
  std::vector<double> candidate_ms;
  for (const PolicySpec& spec : candidates) {
    Filled filled = FillByRule(set, model, rows, spec, limit, options, effort);
    candidate_ms.push_back(filled.ms);
    if (best.parts.empty() || filled.ms < best.ms) best = std::move(filled);
  }
  const auto exchanges = static_cast<int64_t>(effort.exchanges_per_row *
                                              static_cast<double>(rows.size()));
  if (exchanges >= kExchangesMin && options.waiting_weight == 0) {
    ImproveFilled(set, model, limit, exchanges, &best);
  }
  best.candidate_ms = std::move(candidate_ms);
  return best;
}

}  // namespace sheaf::batching
