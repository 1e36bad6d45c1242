#include "batching/simulate/trace.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/csv.h"
#include "base/json.h"
#include "base/status.h"
#include "batching/simulate/trace_cell.h"

namespace sheaf::batching {
namespace {

absl::Status Bad(std::string_view column, std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(column), " cannot be '", ToAbsl(text), "'"));
}

absl::Status InLine(size_t line, std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line, ": ", ToAbsl(text)));
}

// One line, its cells by column name.
class Line {
 public:
  Line(const std::vector<std::string>& columns, std::vector<std::string> cells)
      : columns_(columns), cells_(std::move(cells)) {}

  bool HasAllCells() const { return cells_.size() == columns_.size(); }

  std::string Text(std::string_view column) const {
    return TextOfCell(Cell(column));
  }

  // Nothing where the cell is empty.
  absl::StatusOr<std::optional<int64_t>> Integer(std::string_view column,
                                                 int64_t min,
                                                 int64_t max) const {
    const std::string text = Cell(column);
    if (text.empty()) return std::nullopt;
    int64_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
      return Bad(column, text);
    }
    return value;
  }

  absl::StatusOr<std::optional<double>> Number(std::string_view column) const {
    const std::string text = Cell(column);
    if (text.empty()) return std::nullopt;
    double value = 0;
    if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
      return Bad(column, text);
    }
    return value;
  }

 private:
  std::string Cell(std::string_view column) const {
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    if (found == columns_.end()) return "";
    return cells_[found - columns_.begin()];
  }

  const std::vector<std::string>& columns_;
  const std::vector<std::string> cells_;
};

std::optional<std::string> OrAbsent(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}

absl::StatusOr<std::vector<Control>> ParseControls(const std::string& text) {
  std::vector<Control> controls;
  for (const auto& item : absl::StrSplit(text, ';', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(item, ':');
    std::optional<double>* const values[] = {&controls.emplace_back().weight,
                                             &controls.back().start,
                                             &controls.back().end};
    if (parts.size() > 4 || parts[0].empty()) return Bad("controls", text);
    controls.back().type = parts[0];
    for (size_t i = 1; i < parts.size(); ++i) {
      double value = 0;
      if (!absl::SimpleAtod(parts[i], &value) || !std::isfinite(value)) {
        return Bad("controls", text);
      }
      *values[i - 1] = value;
    }
  }
  return controls;
}

absl::StatusOr<RunParams> ParamsOf(const Line& line) {
  constexpr int64_t kSideMax = 16'384;
  RunParams params;
  params.model = OrAbsent(line.Text("model"));
  params.vae = OrAbsent(line.Text("vae"));
  params.sampler = OrAbsent(line.Text("sampler"));
  if (const std::string extra = line.Text("extra"); !extra.empty()) {
    params.extra["extra"] = extra;
  }
  SHEAF_ASSIGN_OR_RETURN(params.width, line.Integer("width", 1, kSideMax));
  SHEAF_ASSIGN_OR_RETURN(params.height, line.Integer("height", 1, kSideMax));
  SHEAF_ASSIGN_OR_RETURN(params.steps, line.Integer("steps", 1, 1000));
  SHEAF_ASSIGN_OR_RETURN(params.guidance, line.Number("guidance"));
  SHEAF_ASSIGN_OR_RETURN(params.seed, line.Integer("seed", 0, kNever));
  SHEAF_ASSIGN_OR_RETURN(params.controls, ParseControls(line.Text("controls")));
  return params;
}

constexpr std::pair<Priority, const char*> kPriorities[] = {
    {Priority::kLow, "low"},
    {Priority::kNormal, "normal"},
    {Priority::kHigh, "high"},
    {Priority::kUrgent, "urgent"}};

absl::StatusOr<Priority> PriorityOf(const Line& line) {
  const std::string text = line.Text("priority");
  if (text.empty()) return Priority::kNormal;
  for (const auto& [priority, name] : kPriorities) {
    if (text == name) return priority;
  }
  return Bad("priority", text);
}

class Reader {
 public:
  explicit Reader(const ShapeTable::Options& options) {
    trace_.set.shapes = ShapeTable(options);
  }

  absl::Status Header(std::vector<std::string> cells) {
    columns_ = std::move(cells);
    if (std::find(columns_.begin(), columns_.end(), "job") == columns_.end()) {
      return absl::InvalidArgumentError("the first line names no column 'job'");
    }
    return absl::OkStatus();
  }

  absl::Status Add(std::vector<std::string> cells) {
    const Line line(columns_, std::move(cells));
    if (!line.HasAllCells()) {
      return absl::InvalidArgumentError("not as many cells as columns");
    }
    SHEAF_ASSIGN_OR_RETURN(const RunId id, IdOf(line));
    SHEAF_ASSIGN_OR_RETURN(const RunParams params, ParamsOf(line));
    Run run;
    run.id = id;
    SHEAF_ASSIGN_OR_RETURN(run.priority, PriorityOf(line));
    constexpr int64_t kLate = int64_t{1} << 50;  // in milliseconds
    SHEAF_ASSIGN_OR_RETURN(const auto arrival,
                           line.Integer("arrival_ms", 0, kLate));
    run.run_time = absl::FromUnixMillis(arrival.value_or(0));
    SHEAF_ASSIGN_OR_RETURN(const auto deadline,
                           line.Integer("deadline_ms", 0, kLate));
    if (deadline) run.start_deadline = absl::FromUnixMillis(*deadline);
    trace_.set.Add(run, line.Text("kind"), line.Text("owner"), params,
                   absl::InfiniteFuture());
    return absl::OkStatus();
  }

  absl::StatusOr<Trace> Finish() {
    if (seen_.empty()) {
      return absl::InvalidArgumentError("the trace holds no runs");
    }
    return std::move(trace_);
  }

 private:
  absl::StatusOr<RunId> IdOf(const Line& line) {
    const std::string job = line.Text("job");
    if (job.empty()) return Bad("job", job);
    const auto [place, inserted] =
        jobs_.try_emplace(job, static_cast<int64_t>(jobs_.size() + 1));
    if (inserted) trace_.jobs.push_back(job);
    int& next = next_run_[place->second];
    SHEAF_ASSIGN_OR_RETURN(const auto named,
                           line.Integer("run", 0, kRunsPerJobMax - 1));
    const int index = static_cast<int>(named.value_or(next));
    next = index + 1;
    if (index >= kRunsPerJobMax) return Bad("run", std::to_string(index));
    const RunId id(JobId{place->second}, index);
    if (!seen_.insert(id.value).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("run ", index, " of ", job, " is named twice"));
    }
    return id;
  }

  Trace trace_;
  std::vector<std::string> columns_;
  absl::flat_hash_map<std::string, int64_t> jobs_;
  absl::flat_hash_map<int64_t, int> next_run_;
  absl::flat_hash_set<int64_t> seen_;
};

template <class Value>
std::string OrEmpty(const std::optional<Value>& value) {
  return value ? absl::StrCat(*value) : "";
}
std::string OrEmpty(const std::optional<double>& value) {
  std::string text;
  if (value) AppendJsonNumber(*value, &text);  // as many digits as it takes
  return text;
}

std::string ControlsText(const RunParams& params) {
  std::string text;
  for (const LiveControl& control : LiveControls(params)) {
    absl::StrAppend(&text, text.empty() ? "" : ";", control.type);
    for (const double value : {control.weight, control.start, control.end}) {
      text += ':';
      AppendJsonNumber(value, &text);
    }
  }
  return text;
}

std::string PriorityText(const TraceRun& run) {
  for (const auto& [priority, name] : kPriorities) {
    if (run.priority == priority) return name;
  }
  return "";
}

std::string ExtraText(const TraceRun& run) {
  const auto found = run.params.extra.find("extra");
  return found == run.params.extra.end() ? "" : CellOfText(found->second);
}

struct WrittenColumn {
  const char* name;
  std::string (*text)(const TraceRun& run);
};

constexpr WrittenColumn kWritten[] = {
    {"arrival_ms",
     [](const TraceRun& r) { return OrEmpty<int64_t>(r.arrival_ms); }},
    {"job", [](const TraceRun& r) { return CellOfText(r.job); }},
    {"run", [](const TraceRun& r) { return OrEmpty<int>(r.run); }},
    {"model",
     [](const TraceRun& r) { return CellOfText(r.params.model.value_or("")); }},
    {"vae",
     [](const TraceRun& r) { return CellOfText(r.params.vae.value_or("")); }},
    {"width", [](const TraceRun& r) { return OrEmpty(r.params.width); }},
    {"height", [](const TraceRun& r) { return OrEmpty(r.params.height); }},
    {"steps", [](const TraceRun& r) { return OrEmpty(r.params.steps); }},
    {"guidance", [](const TraceRun& r) { return OrEmpty(r.params.guidance); }},
    {"sampler",
     [](const TraceRun& r) {
       return CellOfText(r.params.sampler.value_or(""));
     }},
    {"seed", [](const TraceRun& r) { return OrEmpty(r.params.seed); }},
    {"priority", &PriorityText},
    {"owner", [](const TraceRun& r) { return CellOfText(r.owner); }},
    {"kind", [](const TraceRun& r) { return CellOfText(r.kind); }},
    {"deadline_ms", [](const TraceRun& r) { return OrEmpty(r.deadline_ms); }},
    {"extra", &ExtraText},
    {"controls",
     [](const TraceRun& r) { return CellOfText(ControlsText(r.params)); }},
};

}  // namespace

std::string TraceHeader() {
  std::string line;
  for (const WrittenColumn& column : kWritten) {
    absl::StrAppend(&line, line.empty() ? "" : ",", column.name);
  }
  return line + '\n';
}

void AppendTraceLine(const TraceRun& run, std::string* csv) {
  for (const WrittenColumn& column : kWritten) {
    if (&column != kWritten) *csv += ',';
    AppendCsvCell(column.text(run), csv);
  }
  *csv += '\n';
}

absl::StatusOr<Trace> ParseTrace(std::string_view csv,
                                 const ShapeTable::Options& options) {
  Reader reader(options);
  CsvReader rows(csv);
  std::vector<CsvFault> faults;
  while (!rows.AtEnd()) {
    CsvRow row = rows.Next(&faults);
    if (!faults.empty()) return InLine(faults[0].line, faults[0].text);
    if (row.cells.size() == 1 && row.cells[0].empty()) continue;
    const absl::Status status = row.line == 1
                                    ? reader.Header(std::move(row.cells))
                                    : reader.Add(std::move(row.cells));
    if (!status.ok()) return InLine(row.line, ToStd(status.message()));
  }
  return reader.Finish();
}

}  // namespace sheaf::batching
