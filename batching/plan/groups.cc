#include "batching/plan/groups.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "absl/container/flat_hash_map.h"

namespace sheaf::batching {
namespace {

// Collects rows[i] under the number numbers[i]; `count` numbers.
Groups Collect(absl::Span<const uint32_t> rows,
               const std::vector<uint32_t>& numbers, size_t count) {
  Groups groups;
  groups.begins.assign(count + 1, 0);
  for (const uint32_t number : numbers) ++groups.begins[number + 1];
  std::partial_sum(groups.begins.begin(), groups.begins.end(),
                   groups.begins.begin());
  std::vector<uint32_t> next(groups.begins.begin(), groups.begins.end() - 1);
  groups.rows.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    groups.rows[next[numbers[i]]++] = rows[i];
  }
  return groups;
}

// Groups by an id, which is anything that hashes.
template <class IdOf>
Groups Partition(absl::Span<const uint32_t> rows, IdOf id_of) {
  using Id = decltype(id_of(uint32_t{0}));
  absl::flat_hash_map<Id, uint32_t> known;
  std::vector<uint32_t> numbers;
  numbers.reserve(rows.size());
  Id last{};
  for (const uint32_t row : rows) {
    const Id id = id_of(row);
    // Neighbours are often alike, and a comparison is cheaper than a look-up.
    if (!numbers.empty() && id == last) {
      numbers.push_back(numbers.back());
      continue;
    }
    const auto next = static_cast<uint32_t>(known.size());
    numbers.push_back(known.try_emplace(id, next).first->second);
    last = id;
  }
  return Collect(rows, numbers, known.size());
}

// How shapes stand in an order: smaller goes first, equal ones share a rank.
struct Place {
  int steps = 0;  // falling, so negated
  std::vector<std::string> signature;
  int width = 0;
  uint32_t cost = 0;
};

bool IsBefore(const Place& a, const Place& b, Order order) {
  switch (order) {
    case Order::kStepsSignature:
      return std::tie(a.steps, a.signature, a.width, a.cost) <
             std::tie(b.steps, b.signature, b.width, b.cost);
    case Order::kSignatureSteps:
      return std::tie(a.signature, a.steps, a.width, a.cost) <
             std::tie(b.signature, b.steps, b.width, b.cost);
    case Order::kStepsWidth:
      return std::tie(a.steps, a.width, a.signature, a.cost) <
             std::tie(b.steps, b.width, b.signature, b.cost);
    case Order::kSteps:
      return a.steps < b.steps;
    case Order::kSignature:
      return std::tie(a.signature, a.steps) < std::tie(b.signature, b.steps);
    case Order::kStepsThenSignature:
      return std::tie(a.steps, a.signature) < std::tie(b.steps, b.signature);
    case Order::kStepsThenWidth:
      return std::tie(a.steps, a.width, a.signature) <
             std::tie(b.steps, b.width, b.signature);
    case Order::kSignatureAlone:
      return a.signature < b.signature;
    case Order::kArrival:
    case Order::kAsGiven:
      return false;
  }
  return false;
}

Place PlaceOf(const ShapeTable& shapes, uint32_t id) {
  const Shape& shape = shapes.shape(id);
  const CostClass& cost = shapes.cost(shape.cost);
  Place place;
  place.steps = -cost.steps;
  for (const uint16_t control : shapes.signature(shape.signature)) {
    place.signature.push_back(shapes.control(control));
  }
  place.width = cost.width;
  place.cost = shape.cost;
  return place;
}

std::vector<uint32_t> ByDeadline(const RowSet& set,
                                 absl::Span<const uint32_t> rows) {
  std::vector<uint32_t> ordered(rows.begin(), rows.end());
  const auto before = [&](uint32_t a, uint32_t b) {
    const Row& left = set.rows[a];
    const Row& right = set.rows[b];
    if (left.priority != right.priority) return left.priority > right.priority;
    return left.deadline < right.deadline;
  };
  if (!std::is_sorted(ordered.begin(), ordered.end(), before)) {
    std::stable_sort(ordered.begin(), ordered.end(), before);
  }
  return ordered;
}

}  // namespace

Groups GroupByKey(const RowSet& set, absl::Span<const uint32_t> rows,
                  bool across_priorities) {
  return Partition(rows, [&](uint32_t row) {
    const uint64_t key = set.shapes.shape(set.rows[row].shape).key;
    const auto level = static_cast<uint64_t>(set.rows[row].priority);
    return key << 3 | (across_priorities ? 0 : level);
  });
}

Groups GroupBy(const RowSet& set, absl::Span<const uint32_t> rows,
               const Grouping& grouping) {
  if (grouping == kMixed) {
    Groups all;
    all.rows.assign(rows.begin(), rows.end());
    all.begins.push_back(static_cast<uint32_t>(rows.size()));
    return all;
  }
  return Partition(rows, [&](uint32_t index) {
    const Row& row = set.rows[index];
    const Shape& shape = set.shapes.shape(row.shape);
    return std::make_tuple(grouping.signature ? shape.signature : 0,
                           grouping.settings ? shape.settings : 0,
                           grouping.seed ? row.seed : 0);
  });
}

Groups GroupByJob(const RowSet& set, absl::Span<const uint32_t> rows) {
  return Partition(rows,
                   [&](uint32_t row) { return set.rows[row].job().value; });
}

std::vector<uint32_t> Ordered(const RowSet& set,
                              absl::Span<const uint32_t> rows, Order order) {
  if (order == Order::kArrival) return ByDeadline(set, rows);
  if (order == Order::kAsGiven) return {rows.begin(), rows.end()};
  const Groups alike =
      Partition(rows, [&](uint32_t row) { return set.rows[row].shape; });
  std::vector<Place> places;
  for (size_t i = 0; i < alike.size(); ++i) {
    places.push_back(PlaceOf(set.shapes, set.rows[alike.of(i)[0]].shape));
  }
  std::vector<uint32_t> sorted(alike.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
    return IsBefore(places[a], places[b], order);
  });
  std::vector<uint32_t> ordered;
  ordered.reserve(rows.size());
  for (size_t i = 0; i < sorted.size();) {
    const size_t begin = ordered.size();
    const size_t first = i;
    for (; i < sorted.size(); ++i) {
      if (IsBefore(places[sorted[first]], places[sorted[i]], order)) break;
      const auto members = alike.of(sorted[i]);
      ordered.insert(ordered.end(), members.begin(), members.end());
    }
    // Shapes of one rank go by arrival, which is the order of the numbers.
    if (i > first + 1) std::sort(ordered.begin() + begin, ordered.end());
  }
  return ordered;
}

}  // namespace sheaf::batching
