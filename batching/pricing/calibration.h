// How far predictions were off, learned from every finished batch: one plain
// value for each kind of work (device, model, dtype, size, build), to be
// stored and read back. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "batching/pricing/profile.h"

namespace sheaf::batching {

inline constexpr size_t kRatiosKept = 100;
// Before this many batches a band would be a guess, and none is given.
inline constexpr int64_t kCalibratedAfter = 10;

struct Calibration {
  int64_t count = 0;           // batches observed
  double correction = 1;       // moving average of actual / predicted
  std::vector<double> ratios;  // the last hundred, oldest first
  bool calibrated() const { return count >= kCalibratedAfter; }
  bool operator==(const Calibration&) const = default;
};

// With one more finished batch. `predicted_ms` is the cost model's own figure,
// before any correction. Figures that are not positive are passed over.
Calibration Observed(Calibration calibration, double predicted_ms,
                     double actual_ms);

// A time with the band in which 80% of such times lie; no band before
// calibration ("uncalibrated").
struct Estimate {
  double ms = 0;
  std::optional<double> low_ms;   // 10%
  std::optional<double> high_ms;  // 90%
};
// For batches run one after another, from their uncorrected predictions. Errors
// of single batches even out over a long plan; the error of the correction
// itself does not.
Estimate EstimateOf(const Calibration& calibration,
                    absl::Span<const double> batch_ms);

// "1.8x (1.6x to 2.0x)", or without a band "1.8x (uncalibrated: by the profile
// NAME)", or "1.8x (measured: NAME)" where the profile is of this device: the
// gain of a plan over what takes `baseline_ms`, both uncorrected.
std::string GainText(const Calibration& calibration, double baseline_ms,
                     absl::Span<const double> batch_ms, const Profile& profile);

// JSON, and back. DATA_LOSS for what Encode did not write.
std::string Encode(const Calibration& calibration);
absl::StatusOr<Calibration> DecodeCalibration(std::string_view json);

// The number of rows to time next, given those timed (n -> ms): 1, 2, 4, 8, 16,
// which is as many as usual batches have, and on until a row gets no cheaper;
// then nothing. A noisy figure must not end the series early: all times above
// its last number are guesses.
std::optional<int> NextToMeasure(const std::map<int, double>& measured,
                                 int rows_max);

// The original's estimate: every batch counts as one run's time. It knows
// nothing of the device and is shown only where it is asked for, as
// "heuristic".
double HeuristicSpeedup(int64_t runs, int64_t batches);

}  // namespace sheaf::batching
