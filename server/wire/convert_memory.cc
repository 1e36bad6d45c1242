#include "server/wire/convert_memory.h"

#include <algorithm>

namespace sheaf::server {

void ToProto(const WorkFigures& figures, sheaf::v1::WorkMemory* out) {
  out->set_device(figures.kind.device);
  out->set_model(figures.kind.model);
  out->set_width(static_cast<int32_t>(figures.kind.width));
  out->set_height(static_cast<int32_t>(figures.kind.height));
  out->set_control_count(figures.kind.controls);
  out->set_run_count_max(figures.rows_max);
  const auto& peaks = figures.held.peaks;
  out->set_batch_count(static_cast<int32_t>(peaks.size()));
  for (const batching::MemoryPeak& peak : peaks) {
    const auto bytes = static_cast<int64_t>(peak.bytes);
    if (bytes < out->peak_bytes()) continue;
    // The same bytes for more runs say more.
    const int32_t rows = bytes > out->peak_bytes()
                             ? peak.rows
                             : std::max(peak.rows, out->peak_run_count());
    out->set_peak_bytes(bytes);
    out->set_peak_run_count(rows);
  }
  out->set_budget_bytes(static_cast<int64_t>(figures.budget));
  out->set_ran_out_run_count(figures.held.smallest_oom);
  out->set_recommendation(figures.recommendation);
  out->set_profile(figures.profile);
  out->set_measured(figures.measured);
}

batching::BatchMemory FromProto(const sheaf::v1::BatchMemory& memory) {
  return {.rows = memory.row_count(),
          .peak_bytes = memory.peak_bytes(),
          .other_bytes = memory.other_bytes(),
          .ran_out_rows = memory.ran_out_row_count()};
}

}  // namespace sheaf::server
