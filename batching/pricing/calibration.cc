#include "batching/pricing/calibration.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json.h"
#include "base/status.h"

namespace sheaf::batching {
namespace {

// How much the newest batch weighs once there are many.
constexpr double kNewest = 0.05;
// A row must get cheaper by this much for larger batches to be worth timing.
constexpr double kCheaperBy = 0.02;
constexpr int kRowsUsual = 16;

double Quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  const double at = part * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  const double rest = at - static_cast<double>(below);
  return values[below] * (1 - rest) + values[above] * rest;
}

}  // namespace

Calibration Observed(Calibration calibration, double predicted_ms,
                     double actual_ms) {
  const double ratio = actual_ms / predicted_ms;
  if (!(ratio > 0) || !std::isfinite(ratio)) return calibration;
  ++calibration.count;
  // A plain average at first, then a moving one.
  const double weight =
      std::max(kNewest, 1 / static_cast<double>(calibration.count));
  calibration.correction += weight * (ratio - calibration.correction);
  calibration.ratios.push_back(ratio);
  if (calibration.ratios.size() > kRatiosKept) {
    calibration.ratios.erase(calibration.ratios.begin());
  }
  return calibration;
}

Estimate EstimateOf(const Calibration& calibration,
                    absl::Span<const double> batch_ms) {
  double sum = 0;
  double squares = 0;
  for (const double ms : batch_ms) {
    sum += ms;
    squares += ms * ms;
  }
  Estimate estimate;
  estimate.ms = sum * calibration.correction;
  if (!calibration.calibrated() || sum <= 0) return estimate;
  const double middle = Quantile(calibration.ratios, 0.5);
  const double low = 1 - Quantile(calibration.ratios, 0.1) / middle;
  const double high = Quantile(calibration.ratios, 0.9) / middle - 1;
  // The errors of batches are independent; batches of like size give one each.
  // The correction is worth `known` observations.
  const double known =
      std::min(static_cast<double>(calibration.count), (2 - kNewest) / kNewest);
  const double narrowed = std::sqrt(squares / (sum * sum) + 1 / known);
  estimate.low_ms = estimate.ms * std::max(0.0, 1 - low * narrowed);
  estimate.high_ms = estimate.ms * (1 + high * narrowed);
  return estimate;
}

std::string GainText(const Calibration& calibration, double baseline_ms,
                     absl::Span<const double> batch_ms,
                     const Profile& profile) {
  const Estimate estimate = EstimateOf(calibration, batch_ms);
  if (estimate.ms <= 0) return "";
  const double baseline = baseline_ms * calibration.correction;
  const std::string gain = absl::StrFormat("%.2fx", baseline / estimate.ms);
  if (!estimate.low_ms) {
    return profile.measured_here
               ? absl::StrCat(gain, " (measured: ", profile.name, ")")
               : absl::StrCat(gain, " (uncalibrated: by the profile ",
                              profile.name, ")");
  }
  return absl::StrFormat("%s (%.2fx to %.2fx)", gain,
                         baseline / *estimate.high_ms,
                         baseline / std::max(1e-9, *estimate.low_ms));
}

std::string Encode(const Calibration& calibration) {
  std::string out;
  JsonObject object(&out);
  object.Integer("count", calibration.count);
  object.Number("correction", calibration.correction);
  object.Name("ratios");
  out += '[';
  for (size_t i = 0; i < calibration.ratios.size(); ++i) {
    if (i > 0) out += ',';
    AppendJsonNumber(calibration.ratios[i], &out);
  }
  out += ']';
  object.Close();
  return out;
}

absl::StatusOr<Calibration> DecodeCalibration(std::string_view json) {
  const absl::Status bad = absl::DataLossError("not a calibration");
  const auto root = Json::Parse(json);
  if (!root.ok()) return bad;
  const Json* count = root->Find("count");
  const Json* correction = root->Find("correction");
  const Json* ratios = root->Find("ratios");
  if (count == nullptr || !count->integer() || correction == nullptr ||
      !correction->number() || ratios == nullptr ||
      ratios->array() == nullptr) {
    return bad;
  }
  Calibration calibration;
  calibration.count = *count->integer();
  calibration.correction = *correction->number();
  for (const Json& ratio : *ratios->array()) {
    if (!ratio.number() || !(*ratio.number() > 0)) return bad;
    calibration.ratios.push_back(*ratio.number());
  }
  const auto kept = static_cast<int64_t>(calibration.ratios.size());
  if (!(calibration.correction > 0) || kept > calibration.count ||
      (kept == 0 && calibration.count > 0)) {
    return bad;
  }
  return calibration;
}

std::optional<int> NextToMeasure(const std::map<int, double>& measured,
                                 int rows_max) {
  if (measured.empty()) return 1;
  const auto last = std::prev(measured.end());
  const int next = last->first * 2;
  if (next > rows_max) return std::nullopt;
  if (measured.size() == 1 || next <= kRowsUsual) return next;
  const auto before = std::prev(last);
  const double was = before->second / before->first;
  const double is = last->second / last->first;
  if (is > was * (1 - kCheaperBy)) return std::nullopt;
  return next;
}

double HeuristicSpeedup(int64_t runs, int64_t batches) {
  if (batches <= 0) return 1;
  return static_cast<double>(runs) / static_cast<double>(batches);
}

}  // namespace sheaf::batching
