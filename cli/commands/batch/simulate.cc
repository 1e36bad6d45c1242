// `sheaf batch simulate`, which needs no server.
#include "batching/simulate/simulate.h"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json.h"
#include "base/near_word.h"
#include "base/safe_text.h"
#include "base/status.h"
#include "batching/plan/report.h"
#include "cli/commands/batch/batch_commands.h"
#include "cli/support/text.h"
#include "cli/support/tree.h"

namespace sheaf::cli {
namespace {

using batching::Simulated;

struct SimulateArgs {
  std::string trace;
  std::string profiles;
  std::vector<std::string> devices;
  std::vector<std::string> policies;
  std::vector<std::string> batch_sizes;
  std::string arrivals = "queued";
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || !text) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path));
  }
  return text.str();
}

absl::Status Within(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", std::string(status.message())));
}

// One column of the table, one member of the JSON.
struct Figure {
  const char* header;
  const char* name;
  int digits;  // after the point, in the table
  double (*value)(const Simulated& row);
};

const std::vector<Figure>& Figures() {
  static const auto* const kFigures = new std::vector<Figure>{
      {"BATCHES", "batches", 0,
       [](const Simulated& row) { return static_cast<double>(row.batches); }},
      {"GPU SECONDS", "gpu_ms", 3,
       [](const Simulated& row) { return row.gpu_ms; }},
      {"GAIN", "gain_over_singles", 3,
       [](const Simulated& row) { return row.gain_over_singles; }},
      {"OVER NATURAL", "gain_over_natural", 3,
       [](const Simulated& row) { return row.gain_over_natural; }},
      {"FILL", "fill", 2, [](const Simulated& row) { return row.fill; }},
      {"MEAN", "mean_ms", 1, [](const Simulated& row) { return row.mean_ms; }},
      {"P95", "p95_ms", 1, [](const Simulated& row) { return row.p95_ms; }},
      {"P99", "p99_ms", 1, [](const Simulated& row) { return row.p99_ms; }},
      {"END", "end_ms", 1, [](const Simulated& row) { return row.end_ms; }},
      {"SWAPS", "swaps", 0,
       [](const Simulated& row) { return static_cast<double>(row.swaps); }},
      {"SWAP SECONDS", "swap_ms", 1,
       [](const Simulated& row) { return row.swap_ms; }},
  };
  return *kFigures;
}

bool IsTime(const Figure& figure) {
  return std::string_view(figure.name).ends_with("_ms");
}

std::string SimulatedJson(const Simulated& row) {
  std::string out;
  JsonObject object(&out);
  object.Text("policy", row.policy);
  object.Integer("batch_size", row.batch_size);
  object.Text("profile", row.profile);
  object.Integer("runs", row.runs);
  for (const Figure& figure : Figures()) {
    object.Number(figure.name, figure.value(row));
  }
  object.Close();
  return SafeJson(out);
}

void PrintJson(const std::vector<Simulated>& rows, bool lines,
               std::ostream& out) {
  if (!lines) out << "[\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    out << (lines ? "" : "  ") << SimulatedJson(rows[i])
        << (!lines && i + 1 < rows.size() ? ",\n" : "\n");
  }
  if (!lines) out << "]\n";
}

std::vector<std::string> Cells(const Simulated& row) {
  std::vector<std::string> cells = {Printable(row.profile),
                                    absl::StrCat(row.batch_size), row.policy};
  for (const Figure& figure : Figures()) {
    const double scale = IsTime(figure) ? 1000 : 1;  // in seconds
    cells.push_back(
        absl::StrFormat("%.*f", figure.digits, figure.value(row) / scale));
  }
  return cells;
}

void PrintTable(const std::vector<Simulated>& rows, std::ostream& out) {
  std::vector<std::vector<std::string>> lines = {
      {"PROFILE (SIMULATED)", "SIZE", "POLICY"}};
  for (const Figure& figure : Figures()) lines[0].push_back(figure.header);
  for (const Simulated& row : rows) lines.push_back(Cells(row));
  std::vector<int> widths(lines[0].size());
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(line[i]));
    }
  }
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string pad(widths[i] - DisplayWidth(line[i]), ' ');
      const bool left = i == 0 || i == 2;  // names; numbers stand right
      absl::StrAppend(&text, i == 0 ? "" : "  ", left ? line[i] : pad,
                      left ? pad : line[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << "\n";
  }
}

absl::StatusOr<std::vector<int>> BatchSizes(const SimulateArgs& args) {
  std::vector<int> sizes;
  for (const std::string& text : args.batch_sizes) {
    if (!absl::SimpleAtoi(text, &sizes.emplace_back())) {
      return absl::InvalidArgumentError(
          absl::StrCat("--batch-size cannot be '", text, "'"));
    }
  }
  if (sizes.empty()) sizes = {4, 8};
  return sizes;
}

// The profiles of the file, or those that were named.
absl::StatusOr<std::vector<batching::Profile>> ProfilesOf(
    const SimulateArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.profiles));
  auto profiles = batching::ParseProfiles(text);
  if (!profiles.ok()) return Within(args.profiles, profiles.status());
  std::vector<batching::Profile> chosen;
  std::vector<std::string> known;
  for (const auto& [name, profile] : *profiles) {
    known.push_back(name);
    if (args.devices.empty()) chosen.push_back(profile);
  }
  for (const std::string& name : args.devices) {
    const auto found = profiles->find(name);
    if (found == profiles->end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(args.profiles, " holds no profile '", name, "'",
                       DidYouMean(name, known)));
    }
    chosen.push_back(found->second);
  }
  return chosen;
}

absl::Status RunSimulate(Context& context, SimulateArgs& args) {
  SHEAF_ASSIGN_OR_RETURN(const std::vector<int> sizes, BatchSizes(args));
  SHEAF_ASSIGN_OR_RETURN(const auto profiles, ProfilesOf(args));
  SHEAF_ASSIGN_OR_RETURN(const std::string text, ReadFile(args.trace));
  const auto trace = batching::ParseTrace(text);
  if (!trace.ok()) return Within(args.trace, trace.status());
  const std::vector<std::string> policies =
      args.policies.empty() ? batching::SimulatedPolicies() : args.policies;
  batching::SimulateOptions options;
  if (args.arrivals == "recorded") {
    options.arrivals = batching::Arrivals::kRecorded;
  }
  std::vector<Simulated> rows;
  for (const batching::Profile& profile : profiles) {
    for (const int size : sizes) {
      for (const std::string& policy : policies) {
        options.batch_size = policy == "singles" ? 1 : size;
        // "singles" gives the same result for every size, so one run is enough.
        if (policy == "singles" && size != sizes[0]) continue;
        SHEAF_ASSIGN_OR_RETURN(
            rows.emplace_back(),
            batching::Simulate(*trace, profile, policy, options));
      }
    }
  }
  const Format format = FormatFromText(context.Setting("output"));
  if (format == Format::kJson || format == Format::kJsonl) {
    PrintJson(rows, format == Format::kJsonl, context.out());
    return absl::OkStatus();
  }
  PrintTable(rows, context.out());
  for (const auto& [why, count] : trace->set.unplanned) {
    context.Say(absl::StrCat(count, " runs of the trace were left out: ",
                             ToAbsl(batching::WordsOf(why).text), "."));
  }
  return absl::OkStatus();
}

}  // namespace

void AddSimulate(CLI::App& batch, Context& context) {
  const auto [simulate, args] = AddVerb(
      batch, context, "simulate",
      "Try batching policies on a trace with a simulated device", &RunSimulate);
  AddName(simulate, "trace", &args->trace, "FILE", "Trace to play, as CSV");
  AddValue(simulate, "--profile", &args->profiles, "FILE",
           "Device profiles, as JSON")
      ->required();
  AddValues(simulate, "--device", &args->devices, "NAME",
            "Profile to use from that file; default: all");
  AddNames(simulate, "--policy", &args->policies, "NAME",
           "Policies to try; default: all")
      ->delimiter(',');
  AddValues(simulate, "--batch-size", &args->batch_sizes, "COUNT",
            "Most runs in a batch; default: 4 and 8")
      ->delimiter(',');
  AddValue(simulate, "--arrivals", &args->arrivals, "queued|recorded",
           "Let runs come all at once, or at the times of the trace [queued]");
  simulate->footer(
      "Example: sheaf batch simulate runs.csv --profile profiles.json "
      "--policy natural best continuous --batch-size 8");
}

}  // namespace sheaf::cli
