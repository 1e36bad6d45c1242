#include "server/scheduling/batch_chooser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "batching/continuous/batch_forming.h"
#include "batching/rows/cost.h"

namespace sheaf::server {
namespace {

using batching::Head;

constexpr size_t kTimesKept = 64;
constexpr absl::Duration kTimeKept = absl::Seconds(30);
constexpr size_t kLanesKept = 1000;

batching::WaitPolicy PolicyOf(const QueueSettings& settings, int size) {
  batching::WaitPolicy policy;
  policy.rule = settings.policy == BatchPolicy::kEconomic
                    ? batching::WaitRule::kEconomic
                    : batching::WaitRule::kAdaptive;
  policy.batch_max = size;
  policy.batch_min = std::min(settings.batch_min, size);
  policy.wait_max = settings.wait_max;
  policy.adaptive_threshold = settings.threshold;
  return policy;
}

// Adds the line's runs to `set`, and answers the rows that share the key of the
// first.
std::vector<uint32_t> Add(const Line& line, absl::Time now,
                          batching::RowSet* set) {
  std::vector<uint32_t> rows;
  for (const LeasedRun& waiting : line.waiting) {
    const size_t before = set->rows.size();
    set->Add(waiting.run, line.lane.kind, "", waiting.params, now);
    if (set->rows.size() == before) continue;
    const auto key = [&](uint32_t row) {
      return set->shapes.shape(set->rows[row].shape).key;
    };
    const auto row = static_cast<uint32_t>(before);
    if (rows.empty() || key(row) == key(rows[0])) rows.push_back(row);
  }
  return rows;
}

template <class Map>
void ForgetSome(Map* map, size_t kept) {
  if (map->size() > kept) map->erase(map->begin());
}

}  // namespace

double BatchChooser::ArrivalsPerSecond(const Line& line, absl::Time now) {
  Arrivals& arrivals = arrivals_[line.lane.id];
  // Owners take turns in a line, so its runs are in no order of time.
  const RunId known = arrivals.newest;
  for (const LeasedRun& waiting : line.waiting) {
    if (waiting.run.id <= known) continue;
    arrivals.newest = std::max(arrivals.newest, waiting.run.id);
    arrivals.times.push_back(waiting.run.run_time);
  }
  std::sort(arrivals.times.begin(), arrivals.times.end());
  while (!arrivals.times.empty() &&
         (arrivals.times.size() > kTimesKept ||
          arrivals.times.front() < now - kTimeKept)) {
    arrivals.times.pop_front();
  }
  ForgetSome(&arrivals_, kLanesKept);
  if (arrivals.times.empty()) return 0;
  const absl::Duration span =
      std::max(now - arrivals.times.front(), absl::Seconds(1));
  return static_cast<double>(arrivals.times.size()) /
         absl::ToDoubleSeconds(span);
}

int BatchChooser::RowsMax(const Lane& lane, const Lessee& who) {
  return memory_.RowsMax({who.device, lane.model, lane.width, lane.height});
}

LeasePolicy::Choice BatchChooser::Choose(const Queue& queue, const Lessee& who,
                                         const std::vector<Line>& lines,
                                         absl::Time now) {
  int size = queue.settings.batch_size;
  if (who.batch_size_max > 0) size = std::min(size, who.batch_size_max);
  std::vector<double> rates;
  for (const Line& line : lines) rates.push_back(ArrivalsPerSecond(line, now));

  // Adds all rows first: the cost model needs a table that no longer grows.
  batching::RowSet set;
  std::vector<std::vector<uint32_t>> waiting;
  for (const Line& line : lines) waiting.push_back(Add(line, now, &set));
  const batching::CostModel model(&set.shapes,
                                  prices_.PricesOf(set.shapes, who.device));
  std::vector<Head> heads;
  std::vector<std::vector<uint32_t>> batches;
  std::vector<size_t> line_of;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (waiting[i].empty()) continue;
    const int fit = std::min(size, RowsMax(lines[i].lane, who));
    batches.push_back(batching::FormBatch(set, model, waiting[i], fit));
    Head head = batching::HeadOf(set, model, batches.back());
    head.rows_max = fit;
    head.oldest = lines[i].waiting[0].run.run_time;
    head.arrivals_per_second = rates[i];
    head.loaded = is_loaded_(who.id, lines[i].lane);
    heads.push_back(head);
    line_of.push_back(i);
  }
  // No planner knows these runs, so the first one goes as it came.
  if (heads.empty()) return {.runs = {lines[0].waiting[0].run.id}};

  const batching::DeviceView device = {.devices = std::max(1, devices_()),
                                       .depth = queue.queued};
  batching::WaitPolicy policy = PolicyOf(queue.settings, size);
  // A device at work does not wait for more runs.
  if (who.beside) policy.rule = batching::WaitRule::kOff;
  const batching::Choice chosen =
      batching::ChooseBatch(heads, policy, device, now);
  LeasePolicy::Choice choice;
  if (!chosen.head) {
    choice.wait_until = chosen.wait_until;
    return choice;
  }
  for (const uint32_t row : batches[*chosen.head]) {
    choice.runs.push_back(set.rows[row].id());
  }
  return choice;
}

}  // namespace sheaf::server
