// `sheaf stats`: how much is being done, how fast, and by whom.
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/commands/memory_table.h"
#include "cli/commands/watch.h"
#include "cli/support/flag_values.h"
#include "cli/support/tree.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::cli {
namespace {

using Style = Column::Style;

struct StatsArgs {
  std::string queue;
  std::string window = "5m";
  std::string interval = "2s";
  bool config = false;
  bool watch = false;
};

// Adds the columns of the WorkTotals at `path`.
std::vector<Column> WithTotals(std::vector<Column> columns,
                               const std::string& path) {
  const auto add = [&](const char* header, const char* field) {
    columns.push_back(
        {header, absl::StrCat(path, ".", field), Style::kPlain, /*wide=*/true});
  };
  add("ALL BATCHES", "batch_count");
  add("ALL RUNS", "batched_run_count");
  add("ALL WAIT", "wait.sum");
  add("ALL RUN", "generation.sum");
  return columns;
}

std::vector<Column> QueueStatsColumns() {
  std::vector<Column> columns = {
      {"QUEUE", "name"},
      {"STATE", "state", Style::kState, true},
      {"WAITING", "queued_run_count"},
      {"MOST", "queued_run_count_max"},
      {"RUNNING", "running_run_count"},
      {"RUNS/S", "window.runs_per_second", Style::kDecimal},
      {"FAILED", "window.failed_attempt_count"},
      {"BATCHES", "window.batch_count"},
      {"SIZE", "window.batch_size_average", Style::kDecimal},
      {"FILL", "window.batch_fill", Style::kShare},
      {"WAIT MEAN", "window.wait.mean"},
      {"P50", "window.wait.p50"},
      {"P95", "window.wait.p95"},
      {"MAX", "window.wait.max", Style::kPlain, true},
      {"RUN MEAN", "window.generation.mean"},
      {"P50", "window.generation.p50"},
      {"P95", "window.generation.p95"},
      {"MAX", "window.generation.max", Style::kPlain, true},
      {"SUCCEEDED", "window.succeeded_run_count", Style::kPlain, true},
      {"CANCELLED", "window.cancelled_run_count", Style::kPlain, true},
      {"JOBS IN", "jobs.submitted", Style::kPlain, true},
      {"RUNS DONE", "succeeded_run_count", Style::kPlain, true},
  };
  return WithTotals(std::move(columns), "since_start");
}

// Adds the columns of the work of a worker or a device behind those that name
// it.
std::vector<Column> WithWork(std::vector<Column> columns) {
  columns.insert(columns.end(),
                 {{"BATCHES", "work.batch_count"},
                  {"SIZE", "work.batch_size_average", Style::kDecimal},
                  {"SUCCEEDED", "work.succeeded_run_count"},
                  {"FAILED", "work.failed_attempt_count"},
                  {"BUSY", "work.busy_ratio", Style::kShare},
                  {"DEPTH", "work.running_run_count"},
                  {"HOLDS", "work.batches"}});
  return WithTotals(std::move(columns), "work.since_start");
}

// Leaves out the table of the workers or devices where there are none.
void PrintTables(Context& context, const v1::Stats& stats) {
  std::ostream& out = context.out();
  Printer printer = context.MakePrinter();
  out << "The last " << FieldText(stats, "window") << "; the server started "
      << AgeText(FromProto(stats.start_time()), FromProto(stats.now()))
      << " ago.";
  // Measured work has a row of its own that says this.
  if (stats.memory().empty()) {
    out << " Batches of more than " << stats.knee()
        << (stats.knee() == 1 ? " guided run gain" : " guided runs gain")
        << " next to nothing, by the device profile.";
  }
  out << "\n\n";
  v1::Stats queues = stats;
  if (stats.queues_size() > 1) {
    *queues.add_queues() = stats.total();
    queues.mutable_queues()->rbegin()->set_name("all");
  }
  printer.List(queues, "queues", QueueStatsColumns());
  if (stats.owners_size() > 1) {
    out << "\n";
    printer.List(stats, "owners",
                 {{"OWNER", "owner"},
                  {"WAITING", "queued_run_count"},
                  {"RUNNING", "running_run_count"},
                  {"GIVEN", "predicted_time"}});
  }
  if (stats.workers_size() > 0) {
    out << "\n";
    printer.List(stats, "workers",
                 WithWork({{"WORKER", "name"},
                           {"SHOWN AS", "display_name"},
                           {"DEVICE", "devices", Style::kPlain, true}}));
  }
  if (stats.devices_size() > 0) {
    out << "\n";
    printer.List(stats, "devices",
                 WithWork({{"DEVICE", "name"},
                           {"IS", "description"},
                           {"WORKERS", "workers"}}));
  }
  if (stats.memory_size() > 0) {
    out << "\n";
    printer.List(stats, "memory", MemoryColumns());
  }
}

void Print(Context& context, const StatsArgs& args, const v1::Stats& stats) {
  const Format format = FormatFromText(context.Setting("output"));
  if (format == Format::kJson || format == Format::kJsonl) {
    return context.MakePrinter().One(stats, {});
  }
  if (args.config) {
    return context.MakePrinter().List(stats, "config",
                                      {{"KEY", "key"}, {"VALUE", "value"}});
  }
  if (format == Format::kName) {
    return context.MakePrinter().List(stats, "queues", {});
  }
  PrintTables(context, stats);
}

absl::Status RunStats(Context& context, StatsArgs& args) {
  v1::GetStatsRequest request;
  if (!args.queue.empty()) {
    SHEAF_ASSIGN_OR_RETURN(*request.mutable_queue(), QueueName(args.queue));
  }
  SHEAF_ASSIGN_OR_RETURN(const absl::Duration window,
                         ParseDuration(args.window));
  *request.mutable_window() = ToProto(window);
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  const auto ask = [&] {
    return client->Call<v1::Stats>("sheaf.v1.AdminService/GetStats", request);
  };
  if (!args.watch) {
    SHEAF_ASSIGN_OR_RETURN(const v1::Stats stats, ask());
    Print(context, args, stats);
    return absl::OkStatus();
  }
  return DrawAgainAndAgain(context, args.interval, [&]() -> absl::Status {
    SHEAF_ASSIGN_OR_RETURN(const v1::Stats stats, ask());
    if (context.environment().out_is_terminal) {
      ClearScreen(context);
      Print(context, args, stats);
    } else {
      context.out() << ToJson(stats, /*pretty=*/false) << '\n';
    }
    return absl::OkStatus();
  });
}

}  // namespace

void AddStatsCommand(CLI::App& app, Context& context) {
  const auto [stats, args] = AddVerb(
      app, context, "stats",
      "Show how much work is done, how fast, and by which workers", &RunStats);
  AddValue(stats, "--queue", &args->queue, "QUEUE", "Only this queue");
  AddValue(stats, "--window", &args->window, "DURATION",
           "How far back to look, 1h at most [5m]");
  stats->add_flag("--config", args->config,
                  "Show the server's configuration in effect instead");
  stats->add_flag(
      "--watch", args->watch,
      "Show it again and again; as JSON Lines if the output is no terminal");
  AddValue(stats, "--interval", &args->interval, "DURATION",
           "Pause between two tables with --watch [2s]");
  stats->footer(
      "MOST is the most runs that waited at once since the server started.\n"
      "WAIT is the time from when a run was due until a worker took it, RUN\n"
      "the time from then to its end. Half of the runs took no longer than\n"
      "P50, 95% no longer than P95. FILL is SIZE divided by the queue's batch\n"
      "size. DEPTH is the runs that a worker or device holds now. ALL (with\n"
      "-o wide) is everything since the server started.");
}

}  // namespace sheaf::cli
