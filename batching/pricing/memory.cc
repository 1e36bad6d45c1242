#include "batching/pricing/memory.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/json.h"
#include "base/status.h"

namespace sheaf::batching {
namespace {

// The part of the peaks that must lie below the line.
constexpr double kBelow = 0.95;
// Batches vary, and allocators keep some; but not by so much.
constexpr double kImplausible = 4;

bool HasTwoSizes(const std::vector<MemoryPeak>& peaks) {
  return std::any_of(peaks.begin(), peaks.end(), [&](const MemoryPeak& peak) {
    return peak.rows != peaks[0].rows;
  });
}

MemoryLine LeastSquares(const std::vector<MemoryPeak>& peaks) {
  const auto n = static_cast<double>(peaks.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (const MemoryPeak& peak : peaks) {
    x += peak.rows;
    y += peak.bytes;
    xx += static_cast<double>(peak.rows) * peak.rows;
    xy += peak.rows * peak.bytes;
  }
  MemoryLine line;
  line.per_row = std::max(0.0, (n * xy - x * y) / (n * xx - x * x));
  line.fixed = (y - line.per_row * x) / n;
  return line;
}

// The most rows whose predicted peak fits; no more than `most`.
int Fitting(const MemoryLine& line, double budget, int most) {
  if (line.At(most) <= budget) return most;
  if (line.per_row <= 0) return 0;
  return std::clamp(
      static_cast<int>(std::floor((budget - line.fixed) / line.per_row)), 0,
      most);
}

}  // namespace

double MemoryBudget(double device_bytes, double others_bytes, double share) {
  return std::max(0.0, device_bytes * share - others_bytes);
}

double FreeBytes(double reserved, double allocated, double device_free) {
  return std::max(0.0, reserved - allocated) + device_free;
}

MemoryBounds Succeeded(MemoryBounds bounds, MemoryPeak peak, double budget) {
  const int limit = RowsMax(bounds, budget);
  // Fewer rows cannot have held so much more than these, though it was
  // reported.
  std::erase_if(bounds.peaks, [&](const MemoryPeak& other) {
    return peak.bytes > 0 && other.rows <= peak.rows &&
           other.bytes > kImplausible * peak.bytes;
  });
  bounds.peaks.push_back(peak);
  if (bounds.peaks.size() > kPeaksKept) {
    bounds.peaks.erase(bounds.peaks.begin());
  }
  // A size that ran out before went well now: others may have let go of memory.
  if (bounds.smallest_oom != 0 && peak.rows >= bounds.smallest_oom) {
    bounds.smallest_oom = peak.rows + 1;
  }
  if (peak.rows > bounds.largest_success) {
    bounds.largest_success = peak.rows;
    bounds.clean = 0;
  } else if (peak.rows >= std::min(limit, bounds.largest_success)) {
    ++bounds.clean;
  }
  return bounds;
}

MemoryBounds RanOut(MemoryBounds bounds, int rows) {
  if (bounds.smallest_oom == 0 || rows < bounds.smallest_oom) {
    bounds.smallest_oom = rows;
  }
  bounds.largest_success = std::min(bounds.largest_success, rows - 1);
  bounds.clean = 0;
  ++bounds.ooms;
  return bounds;
}

MemoryLine FitPeaks(const std::vector<MemoryPeak>& peaks) {
  MemoryLine line;
  if (peaks.empty()) return line;
  if (HasTwoSizes(peaks)) {
    line = LeastSquares(peaks);
  } else {
    for (const MemoryPeak& peak : peaks) {
      line.per_row = std::max(line.per_row, peak.bytes / peak.rows);
    }
  }
  std::vector<double> above;
  for (const MemoryPeak& peak : peaks) {
    above.push_back(peak.bytes - line.At(peak.rows));
  }
  std::sort(above.begin(), above.end());
  const auto at = static_cast<size_t>(
      std::ceil(kBelow * static_cast<double>(above.size())));
  line.fixed += std::max(0.0, above[std::max<size_t>(at, 1) - 1]);
  return line;
}

int RowsMax(const MemoryBounds& bounds, double budget) {
  if (bounds.largest_success == 0) return 1;
  // The limit doubles at first; once memory has run out, it grows by ones.
  int most = bounds.largest_success * 2;
  if (bounds.smallest_oom != 0) {
    most = bounds.largest_success;
    const bool again = most + 1 >= bounds.smallest_oom;
    const int rarer = again ? 1 << std::min(bounds.ooms, 10) : 1;
    if (bounds.clean >= kCleanBeforeProbe * rarer) ++most;
  }
  most = Fitting(FitPeaks(bounds.peaks), budget, most);
  return std::max(1, most);
}

double PredictedBytes(const MemoryBounds& bounds, int rows) {
  if (bounds.peaks.empty()) return 0;
  return FitPeaks(bounds.peaks).At(rows);
}

std::string Recommendation(const MemoryBounds& bounds, double budget,
                           int knee_rows) {
  if (bounds.largest_success == 0) {
    return "nothing has run yet: begin with batch size 1";
  }
  const int fits = RowsMax(bounds, budget);
  const int known = std::min(fits, bounds.largest_success);
  std::string text = absl::StrCat("batch size ", known, " fits");
  if (fits > known) absl::StrAppend(&text, ", ", fits, " is worth trying");
  if (knee_rows <= fits) {
    absl::StrAppend(&text, "; ", knee_rows, " is the knee");
  } else {
    absl::StrAppend(&text, "; the knee (", knee_rows, ") does not");
  }
  return text;
}

std::string Encode(const MemoryBounds& bounds) {
  std::string out;
  JsonObject object(&out);
  object.Integer("largest_success", bounds.largest_success);
  object.Integer("smallest_oom", bounds.smallest_oom);
  object.Integer("clean", bounds.clean);
  object.Integer("ooms", bounds.ooms);
  object.Name("peaks");
  out += '[';
  for (size_t i = 0; i < bounds.peaks.size(); ++i) {
    if (i > 0) out += ',';
    JsonObject peak(&out);
    peak.Integer("rows", bounds.peaks[i].rows);
    peak.Number("bytes", bounds.peaks[i].bytes);
    peak.Close();
  }
  out += ']';
  object.Close();
  return out;
}

absl::StatusOr<MemoryBounds> DecodeMemoryBounds(std::string_view json) {
  const absl::Status bad = absl::DataLossError("not memory bounds");
  const auto root = Json::Parse(json);
  if (!root.ok()) return bad;
  const auto integer = [](const Json& object, std::string_view name) {
    const Json* member = object.Find(name);
    return member == nullptr ? std::nullopt : member->integer();
  };
  const auto largest = integer(*root, "largest_success");
  const auto smallest = integer(*root, "smallest_oom");
  const auto clean = integer(*root, "clean");
  const auto ooms = integer(*root, "ooms");
  const Json* peaks = root->Find("peaks");
  if (!largest || !smallest || !clean || !ooms || peaks == nullptr ||
      peaks->array() == nullptr) {
    return bad;
  }
  MemoryBounds bounds;
  bounds.largest_success = static_cast<int>(*largest);
  bounds.smallest_oom = static_cast<int>(*smallest);
  bounds.clean = static_cast<int>(*clean);
  bounds.ooms = static_cast<int>(*ooms);
  for (const Json& item : *peaks->array()) {
    const auto rows = integer(item, "rows");
    const Json* bytes = item.Find("bytes");
    if (!rows || *rows < 1 || bytes == nullptr || !bytes->number()) return bad;
    bounds.peaks.push_back({static_cast<int>(*rows), *bytes->number()});
  }
  return bounds;
}

}  // namespace sheaf::batching
