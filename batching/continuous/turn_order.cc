#include "batching/continuous/turn_order.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

namespace sheaf::batching {
namespace {

// The rows of one owner in one priority, and the owner's clock.
struct OwnersLine {
  double clock = 0;
  double weight = 1;
  std::vector<Row> rows;
  size_t next = 0;
};

// The time that each row takes alone, by its cost class.
class AloneTimes {
 public:
  AloneTimes(const ShapeTable& shapes, const CostModel& model)
      : shapes_(shapes), model_(model), known_(shapes.costs(), -1) {}

  double Of(const Row& row) {
    const uint32_t cost = shapes_.shape(row.shape).cost;
    if (known_[cost] < 0) known_[cost] = model_.Alike(cost, 1);
    return known_[cost];
  }

 private:
  const ShapeTable& shapes_;
  const CostModel& model_;
  std::vector<double> known_;
};

// Writes the rows of one priority back in the order of turns. The owners'
// clocks go on from one priority to the next.
void TakeTurns(std::vector<OwnersLine>* lines, AloneTimes* times, Row* out) {
  using Place = std::tuple<double, int64_t, size_t>;  // clock, oldest, line
  std::priority_queue<Place, std::vector<Place>, std::greater<>> waiting;
  const auto wait = [&](size_t i) {
    const OwnersLine& line = (*lines)[i];
    if (line.next == line.rows.size()) return;
    waiting.emplace(line.clock, line.rows[line.next].time, i);
  };
  for (size_t i = 0; i < lines->size(); ++i) wait(i);
  while (!waiting.empty()) {
    const size_t i = std::get<2>(waiting.top());
    waiting.pop();
    OwnersLine& line = (*lines)[i];
    *out = line.rows[line.next++];
    line.clock += times->Of(*out++) / line.weight;
    wait(i);
  }
}

}  // namespace

void SortByTurns(const Turns& turns, const CostModel& model, RowSet* set) {
  if (set->owners.size() < 2) return;
  std::vector<OwnersLine> lines(set->owners.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    lines[i].clock = ClockOf(turns.state, set->owners[i]);
    lines[i].weight = WeightOf(set->owners[i], turns.options);
  }
  AloneTimes times(set->shapes, model);
  for (size_t begin = 0; begin < set->rows.size();) {
    size_t end = begin;
    const Priority priority = set->rows[begin].priority;
    for (; end < set->rows.size() && set->rows[end].priority == priority;
         ++end) {
      lines[set->rows[end].owner].rows.push_back(set->rows[end]);
    }
    TakeTurns(&lines, &times, &set->rows[begin]);
    for (OwnersLine& line : lines) {
      line.rows.clear();
      line.next = 0;
    }
    begin = end;
  }
}

}  // namespace sheaf::batching
