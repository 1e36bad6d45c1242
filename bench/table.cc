#include "bench/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/json.h"

namespace sheaf::bench {
namespace {

std::string Bound(const char* sign, double bound, const std::string& why) {
  std::string text = fmt::format("{} {}", sign, Short(bound));
  if (!why.empty()) text += fmt::format(" ({})", why);
  return text;
}

void AppendRow(const Row& row, std::string* out) {
  JsonObject object(out);
  object.Text("name", row.name);
  object.Number("value", std::isfinite(row.value) ? row.value : -1);
  object.Text("unit", row.unit);
  object.Name("target");
  if (row.target.empty()) {
    *out += "null";
  } else {
    AppendJsonString(row.target, out);
  }
  object.Name("ok");
  *out += row.ok ? (*row.ok ? "true" : "false") : "null";
  object.Close();
}

}  // namespace

std::string Short(double value) {
  if (!std::isfinite(value)) return "-";
  const double size = std::fabs(value);
  if (size >= 1e6) return fmt::format("{:.2f}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.1f}k", value / 1e3);
  if (size >= 100) return fmt::format("{:.0f}", value);
  if (size >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.3g}", value);
}

Row AtLeast(Row row, double bound, const std::string& why, bool judge) {
  row.target = Bound(">=", bound, why);
  if (judge) row.ok = row.value >= bound;
  return row;
}

Row AtMost(Row row, double bound, const std::string& why, bool judge) {
  row.target = Bound("<=", bound, why);
  if (judge) row.ok = row.value <= bound;
  return row;
}

void Table::Add(Row row) {
  const char* mark = row.ok ? (*row.ok ? "ok  " : "MISS") : "    ";
  fmt::print("{} {:<56} {:>8} {:<9} {}\n", mark, row.name, Short(row.value),
             row.unit, row.target);
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

void Table::Say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

int Table::missed() const {
  return static_cast<int>(
      std::count_if(rows_.begin(), rows_.end(),
                    [](const Row& row) { return row.ok && !*row.ok; }));
}

absl::Status Table::WriteJson(const std::string& path) const {
  std::string text = "[\n";
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i > 0) text += ",\n";
    AppendRow(rows_[i], &text);
  }
  text += "\n]\n";
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    return absl::PermissionDeniedError("cannot write " + path);
  }
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = std::fclose(file) == 0;
  if (!whole || !closed) return absl::DataLossError("cannot write " + path);
  return absl::OkStatus();
}

}  // namespace sheaf::bench
