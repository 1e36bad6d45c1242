// How many rows fit a device's memory, learned from what batches used: one
// plain value for each kind of work, to be stored and read back. Pure
// functions; the worker reports, this decides. Bytes throughout.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::batching {

inline constexpr size_t kPeaksKept = 100;
inline constexpr int kCleanBeforeProbe = 10;

// The most that one batch held.
struct MemoryPeak {
  int rows = 0;
  double bytes = 0;
  bool operator==(const MemoryPeak&) const = default;
};

struct MemoryBounds {
  std::vector<MemoryPeak> peaks;  // the last hundred that went well
  int largest_success = 0;        // rows; 0 before the first
  int smallest_oom = 0;           // rows; 0 where none ran out
  int clean = 0;  // batches at the limit since it was last changed
  int ooms = 0;   // how often one ran out; each makes the next probe rarer
  bool operator==(const MemoryBounds&) const = default;
};

// A worker's report of the memory that a batch took.
struct BatchMemory {
  // Most rows that went through the model together (0: nothing is known), and
  // the most that was held while they did.
  int rows = 0;
  int64_t peak_bytes = 0;
  int64_t other_bytes = 0;  // held by others on the device
  int ran_out_rows = 0;  // the fewest for which memory ran out; 0: it did not
};

// The memory that batches may use: a share (0.80 to 0.85) of the device, less
// what others hold.
double MemoryBudget(double device_bytes, double others_bytes,
                    double share = 0.85);
// The memory that a caching allocator has left: the part that it reserved and
// does not use, and the part that the device has free.
double FreeBytes(double reserved, double allocated, double device_free);

// The bounds with one more batch that went well, or that ran out of memory. A
// peak that the new one shows to be impossible is dropped.
MemoryBounds Succeeded(MemoryBounds bounds, MemoryPeak peak, double budget);
MemoryBounds RanOut(MemoryBounds bounds, int rows);

// A line through the peaks, raised until nearly all lie below it.
struct MemoryLine {
  double fixed = 0;
  double per_row = 0;
  double At(int rows) const { return fixed + per_row * rows; }
};
// Where all peaks are of one size, all memory is taken to grow with the rows.
MemoryLine FitPeaks(const std::vector<MemoryPeak>& peaks);

// The most rows that the next batch may have. Never more than the fit allows in
// the budget. At first 1, 2, 4, ...; once a size has run out, below that size,
// and one more row after ten clean batches. Each time that memory ran out
// doubles the clean batches needed to try a size again that ran out. At least
// 1: a single row must be tried to be known.
int RowsMax(const MemoryBounds& bounds, double budget);

// The memory that a batch of that many rows is predicted to hold; 0 where
// nothing is known yet.
double PredictedBytes(const MemoryBounds& bounds, int rows);

// "batch size 6 fits; 4 is the knee": for people.
std::string Recommendation(const MemoryBounds& bounds, double budget,
                           int knee_rows);

// JSON, and back. DATA_LOSS for what Encode did not write.
std::string Encode(const MemoryBounds& bounds);
absl::StatusOr<MemoryBounds> DecodeMemoryBounds(std::string_view json);

}  // namespace sheaf::batching
