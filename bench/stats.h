// Numbers that can be trusted on a noisy machine: percentiles of one window,
// medians over many. Everything that is compared is measured in turns - one
// window each, round after round - so that a slow minute of the disk slows
// both sides of a ratio. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sheaf::bench {

// The results of one window of load.
struct Window {
  double rate = 0;                // operations per second
  std::vector<double> latencies;  // seconds each, sorted
  int64_t failures = 0;           // operations that were refused or lost
};

// Notes why an operation failed, for the reader of the table. Keeps only the
// first reason since TakeBlame(). Any thread.
void Blame(const std::string& reason);
std::string TakeBlame();

// `latencies` sorted, fraction of 0..1; NaN where there are none.
double Percentile(const std::vector<double>& latencies, double fraction);
// NaN where there are none.
double Median(std::vector<double> values);

// One side of a comparison: how to measure a window of it, and what came out.
struct Contender {
  std::string name;
  std::function<absl::StatusOr<Window>()> measure;

  std::vector<double> rates;  // one for each window, in the order of rounds
  std::vector<double> p50;
  std::vector<double> p99;
  std::vector<double> p999;

  double rate() const { return Median(rates); }
};

struct RoundOptions {
  int rounds_min = 5;
  int rounds_max = 12;
  // No round begins after this long.
  absl::Duration budget = absl::Minutes(3);
  // Done when the middle half of each contender's rates lies within this part
  // of their median.
  double spread = 0.1;
};

// Measures all contenders in turns until stable. The first error ends it; a
// window with failures counts as an error.
absl::Status RunRounds(const std::vector<Contender*>& contenders,
                       const RoundOptions& options);

// The median over rounds of a's rate divided by b's in the same round.
double PairedRatio(const std::vector<double>& a, const std::vector<double>& b);

// Whether SIGINT or SIGTERM came; long loops ask between windows.
bool Interrupted();
void WatchForInterrupt();

}  // namespace sheaf::bench
