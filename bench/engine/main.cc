// engine_bench: measures what a step costs for each number of rows that make it
// together, in turns with the same steps of another program
// (bench/engine/peer.py is one, in PyTorch).
#include <CLI/CLI.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "bench/engine/peer.h"
#include "bench/engine/steps.h"
#include "bench/stats.h"
#include "bench/table.h"
#include "inference/engine/tensor/accelerator.h"
#include "inference/engine/tensor/devices.h"
#include "inference/engine/tensor/placement.h"
#include "inference/engine/tensor/process.h"

namespace sheaf::engine {
namespace {

struct Options {
  std::vector<std::string> models = {"tiny", "small"};
  std::vector<std::string> dtypes = {"fp32"};
  std::string device = "cpu";
  std::vector<int64_t> rows = {1, 2, 4, 8, 16};
  double seconds = 20;  // For one number of rows of one model.
  std::string peer;
  std::string json;
  bool judge = false;
};

// The largest difference between the two programs' samples after the same
// steps, relative to the peer's largest value.
double Difference(const std::vector<float>& own, const Json& answer) {
  const Json* sample = answer.Find("sample");
  if (sample == nullptr || sample->array() == nullptr ||
      sample->array()->size() != own.size()) {
    return INFINITY;
  }
  double largest = 0;
  double size = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    const double theirs = (*sample->array())[i].number().value_or(INFINITY);
    largest = std::max(largest, std::fabs(own[i] - theirs));
    size = std::max(size, std::fabs(theirs));
  }
  return largest / size;
}

bench::Window WindowOf(const std::vector<double>& milliseconds, int64_t rows) {
  return {.rate =
              1000 * static_cast<double>(rows) / bench::Median(milliseconds)};
}

// Asks the peer for steps.
absl::StatusOr<std::vector<double>> MakePeerSteps(Peer* peer, int count) {
  SHEAF_ASSIGN_OR_RETURN(const Json answer,
                         peer->Ask(absl::StrCat("{\"make\": ", count, "}")));
  const Json* times = answer.Find("ms");
  std::vector<double> milliseconds;
  if (times != nullptr && times->array() != nullptr) {
    for (const Json& time : *times->array()) {
      milliseconds.push_back(time.number().value_or(0));
    }
  }
  if (milliseconds.empty()) {
    return absl::DataLossError("the peer's answer has no times");
  }
  return milliseconds;
}

// One model in one type.
class Measurement {
 public:
  Measurement(const Options& options, const BenchModel& model,
              const std::string& dtype, const Placement& placement,
              bench::Table* table)
      : options_(options),
        model_(model),
        dtype_(dtype),
        placement_(placement),
        table_(table) {}

  absl::Status Run() {
    SHEAF_ASSIGN_OR_RETURN(steps_, Steps::Make(model_, placement_));
    if (!options_.peer.empty()) SHEAF_RETURN_IF_ERROR(OpenPeer());
    for (const int64_t rows : options_.rows) {
      if (bench::Interrupted()) break;
      SHEAF_RETURN_IF_ERROR(Measure(rows));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status OpenPeer() {
    SHEAF_ASSIGN_OR_RETURN(peer_, Peer::Start(options_.peer));
    std::string line;
    JsonObject object(&line);
    object.Text("open", model_.name);
    object.Name("config");
    line += OneLine(model_.config);
    object.Name("scheduler");
    line += OneLine(kBenchScheduler);
    object.Integer("steps", kBenchSteps);
    object.Integer("tokens", kBenchTokens);
    object.Integer("side", model_.side);
    object.Text("dtype", dtype_);
    object.Text("device", placement_.device.str());
    object.Integer("threads", at::get_num_threads());
    object.Close();
    SHEAF_ASSIGN_OR_RETURN(const Json answer, peer_->Ask(line));
    const Json* name = answer.Find("name");
    if (name != nullptr && name->text() != nullptr) {
      table_->Say("the peer is " + *name->text());
    }
    return absl::OkStatus();
  }

  static std::string OneLine(std::string_view text) {
    std::string line(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
  }

  // As many steps as take about half a second.
  static int CountFor(double milliseconds) {
    return std::clamp(static_cast<int>(500 / milliseconds), 1, kBenchSteps);
  }

  absl::Status Measure(int64_t rows) {
    const std::string name =
        absl::StrFormat("%s %s, %d rows", model_.name, dtype_, rows);
    SHEAF_RETURN_IF_ERROR(steps_.Begin(rows));
    // The first step finds out how everything is best computed.
    SHEAF_RETURN_IF_ERROR(steps_.Make(1).status());
    ResetMemoryPeak(placement_.device);
    SHEAF_ASSIGN_OR_RETURN(const std::vector<double> second, steps_.Make(1));
    const int count = CountFor(second.front());
    bench::Contender own = {.name = "sheaf", .measure = [&] {
                              return WindowsOf(rows, steps_.Make(count));
                            }};
    bench::Contender theirs = {.name = "peer", .measure = [&] {
                                 return WindowsOf(
                                     rows, MakePeerSteps(peer_.get(), count));
                               }};
    std::vector<bench::Contender*> contenders = {&own};
    double difference = 0;
    if (peer_ != nullptr) {
      contenders.push_back(&theirs);
      SHEAF_RETURN_IF_ERROR(
          peer_->Ask(absl::StrCat("{\"begin\": ", rows, "}")).status());
      SHEAF_RETURN_IF_ERROR(MakePeerSteps(peer_.get(), 2).status());
      SHEAF_ASSIGN_OR_RETURN(const Json answer, peer_->Ask("{\"sample\": 0}"));
      difference = Difference(steps_.Sample(), answer);
    }
    SHEAF_RETURN_IF_ERROR(
        bench::RunRounds(contenders, {.rounds_min = 3,
                                      .rounds_max = 15,
                                      .budget = absl::Seconds(options_.seconds),
                                      .spread = 0.05}));
    Report(name, rows, own, theirs);
    if (peer_ != nullptr) {
      table_->Add(bench::AtMost(
          {name + ", samples differ by", difference, "of max"},
          dtype_ == "fp32" ? 1e-4 : 0.05, "the same numbers", true));
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<bench::Window> WindowsOf(
      int64_t rows, const absl::StatusOr<std::vector<double>>& times) {
    SHEAF_RETURN_IF_ERROR(times.status());
    return WindowOf(*times, rows);
  }

  void Report(const std::string& name, int64_t rows,
              const bench::Contender& own, const bench::Contender& theirs) {
    const double n = static_cast<double>(rows);
    if (single_ == 0) single_ = own.rate() / n * options_.rows.front();
    table_->Add({name + ", a step", 1000 * n / own.rate(), "ms"});
    table_->Add({name + ", rate", own.rate(), "row-steps/s"});
    table_->Add({name + ", gain over one row", own.rate() / single_, "x"});
    table_->Add({name + ", most memory",
                 static_cast<double>(MemoryPeak(placement_.device)) / (1 << 20),
                 "MiB"});
    if (peer_ == nullptr) return;
    table_->Add(
        {name + ", a step of the peer", 1000 * n / theirs.rate(), "ms"});
    const double ratio = bench::PairedRatio(own.rates, theirs.rates);
    table_->Add(bench::AtLeast({name + ", rate of the peer's", ratio, "x"}, 1,
                               "the design", options_.judge));
  }

  const Options& options_;
  const BenchModel& model_;
  const std::string dtype_;
  const Placement placement_;
  bench::Table* table_;
  Steps steps_;
  std::unique_ptr<Peer> peer_;
  double single_ = 0;  // Row-steps a second of one row.
};

absl::Status RunAll(const Options& options, bench::Table* table) {
  const std::vector<std::string> here = DevicesHere();
  SHEAF_ASSIGN_OR_RETURN(const std::string device,
                         ResolveDevice(options.device, here));
  if (device != "cpu") table->Say(MakeOf(FactsOf(device)));
  table->Say(absl::StrFormat("%d threads; a 256^3 product takes %.2f ms",
                             at::get_num_threads(), ProbeMatrixProduct()));
  for (const BenchModel& model : BenchModels()) {
    const std::string name(model.name);
    if (std::find(options.models.begin(), options.models.end(), name) ==
        options.models.end()) {
      continue;
    }
    for (const std::string& dtype : options.dtypes) {
      SHEAF_ASSIGN_OR_RETURN(const Placement placement,
                             PlacementNamed(device, dtype, here));
      SHEAF_RETURN_IF_ERROR(
          Measurement(options, model, dtype, placement, table).Run());
    }
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  PrepareProcess(argv);
  CLI::App app("What a step of the engine costs.");
  Options options;
  app.add_option("--models", options.models, "tiny small sd15")
      ->check(CLI::IsMember({"tiny", "small", "sd15"}));
  app.add_option("--dtypes", options.dtypes, "fp32 bf16 fp16 (cuda)")
      ->check(CLI::IsMember({"fp32", "bf16", "fp16"}));
  app.add_option("--device", options.device, "cpu, cuda, cuda:1 or auto");
  app.add_option("--rows", options.rows, "Rows of a step, several times")
      ->check(CLI::Range(1, 256));
  app.add_option("--seconds", options.seconds, "For each number of rows");
  app.add_option("--peer", options.peer,
                 "Command of a program to compare with: \"python3 "
                 "bench/engine/peer.py\"");
  app.add_option("--json", options.json, "Write the rows there");
  app.add_flag("--judge", options.judge, "Fail where the peer is faster");
  CLI11_PARSE(app, argc, argv);
  bench::WatchForInterrupt();

  bench::Table table;
  const absl::Status status = RunAll(options, &table);
  if (!status.ok()) {
    std::fprintf(stderr, "engine_bench: %s\n",
                 std::string(status.message()).c_str());
    return 1;
  }
  if (!options.json.empty() && !table.WriteJson(options.json).ok()) return 1;
  return table.missed() > 0 ? 1 : 0;
}

}  // namespace
}  // namespace sheaf::engine

int main(int argc, char** argv) { return sheaf::engine::Main(argc, argv); }
