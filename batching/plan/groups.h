// Sorting rows into groups that may be batched together. Linear; values.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "batching/rows/rows.h"

namespace sheaf::batching {

// Groups in order of first appearance, each with its rows in the order they
// had.
struct Groups {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> begins = {0};  // and where the last one ends

  size_t size() const { return begins.size() - 1; }
  absl::Span<const uint32_t> of(size_t group) const {
    return absl::MakeConstSpan(rows).subspan(begins[group],
                                             begins[group + 1] - begins[group]);
  }
};

// Groups rows that can share a batch at all: they have equal keys, and equal
// priorities unless `across_priorities`.
Groups GroupByKey(const RowSet& set, absl::Span<const uint32_t> rows,
                  bool across_priorities);
// Refines rows of one key.
Groups GroupBy(const RowSet& set, absl::Span<const uint32_t> rows,
               const Grouping& grouping);
Groups GroupByJob(const RowSet& set, absl::Span<const uint32_t> rows);

// Orders in which a group is cut into batches. The first ones put all rows of
// a shape together, which is quick to cut; in the others rows that an order
// does not tell apart keep their arrival order.
enum class Order {
  kStepsSignature = 1,  // steps falling, then signature, then the rest
  kSignatureSteps = 2,
  kStepsWidth = 3,  // steps falling, guided apart from unguided
  kSteps = 4,       // steps falling
  kSignature = 5,   // signature, then steps falling
  kArrival = 6,     // priority, deadline, age
  kStepsThenSignature = 7,
  kStepsThenWidth = 8,
  kSignatureAlone = 9,
  kAsGiven = 10,
};
inline constexpr Order kOrders[] = {
    Order::kStepsSignature,     Order::kSignatureSteps,
    Order::kStepsWidth,         Order::kSteps,
    Order::kSignature,          Order::kArrival,
    Order::kStepsThenSignature, Order::kStepsThenWidth,
    Order::kSignatureAlone,     Order::kAsGiven};

std::vector<uint32_t> Ordered(const RowSet& set,
                              absl::Span<const uint32_t> rows, Order order);

}  // namespace sheaf::batching
