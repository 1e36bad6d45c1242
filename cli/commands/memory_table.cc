#include "cli/commands/memory_table.h"

namespace sheaf::cli {

const std::vector<Column>& MemoryColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"DEVICE", "device"},
      {"MODEL", "model"},
      {"SIZE", "{width}x{height}"},
      {"CONTROLS", "control_count", Style::kPlain, true},
      {"RUNS", "run_count_max"},
      {"PEAK", "peak_bytes", Style::kBytes},
      {"WITH", "peak_run_count"},
      {"BUDGET", "budget_bytes", Style::kBytes},
      {"RAN OUT", "ran_out_run_count"},
      {"SEEN", "batch_count", Style::kPlain, true},
      {"PRICED BY", "profile"},
      {"MEASURED", "measured"},
      {"ADVICE", "recommendation"},
  };
  return *kColumns;
}

}  // namespace sheaf::cli
