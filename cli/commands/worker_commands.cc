// `sheaf worker`.
#include <ostream>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cli/commands/commands.h"
#include "cli/commands/memory_table.h"
#include "cli/support/flag_values.h"
#include "cli/support/tree.h"
#include "sheaf/v1/admin_service.pb.h"

namespace sheaf::cli {
namespace {

const std::vector<Column>& WorkerColumns() {
  using Style = Column::Style;
  static const auto* const kColumns = new std::vector<Column>{
      {"NAME", "name"},
      {"SHOWN AS", "display_name"},
      {"STATE", "state", Style::kState},
      {"BATCHES", "batches"},
      {"SUCCEEDED", "succeeded_run_count"},
      {"FAILED", "failed_run_count"},
      {"HEARD", "heartbeat_time", Style::kAge},
      {"SINCE", "register_time", Style::kAge},
      {"QUEUES", "queues", Style::kPlain, true},
      {"KINDS", "kinds", Style::kPlain, true},
      {"MODELS", "models", Style::kPlain, true},
      {"ENGINE TIME", "engine_time", Style::kPlain, true},
      {"VERSION", "version", Style::kPlain, true},
  };
  return *kColumns;
}

// Prints the known figures of the workers' devices below the table of the
// workers. Workers that share a device have the same figures.
void PrintMemory(Context& context, const v1::ListWorkersResponse& workers) {
  const Format format = FormatFromText(context.Setting("output"));
  if (format != Format::kWide) return;
  v1::Stats known;
  std::set<std::string> seen;
  for (const v1::Worker& worker : workers.workers()) {
    for (const v1::WorkMemory& memory : worker.memory()) {
      if (!seen.insert(ToJson(memory, /*pretty=*/false)).second) continue;
      *known.add_memory() = memory;
    }
  }
  if (known.memory().empty()) return;
  context.out() << "\n";
  context.MakePrinter().List(known, "memory", MemoryColumns());
}

absl::Status RunWorkerList(Context& context, NoArgs&) {
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto workers,
      client->Call<v1::ListWorkersResponse>("sheaf.v1.AdminService/ListWorkers",
                                            v1::ListWorkersRequest()));
  context.MakePrinter().List(workers, "workers", WorkerColumns());
  PrintMemory(context, workers);
  if (workers.workers().empty()) {
    context.Say("No workers. Start one: sheaf-worker --help");
  }
  return absl::OkStatus();
}

absl::Status RunWorkerDrain(Context& context, NameArgs& args) {
  v1::DrainWorkerRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), WorkerName(args.name));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(
      const auto worker,
      client->Call<v1::Worker>("sheaf.v1.AdminService/DrainWorker", request));
  context.MakePrinter().One(worker, WorkerColumns());
  context.Say(
      "It finishes its batches, then leaves. To look: sheaf worker list");
  return absl::OkStatus();
}

absl::Status RunMeasure(Context& context, NameArgs& args) {
  v1::CalibrateWorkerRequest request;
  SHEAF_ASSIGN_OR_RETURN(*request.mutable_name(), WorkerName(args.name));
  SHEAF_ASSIGN_OR_RETURN(Client * client, context.Connect());
  SHEAF_ASSIGN_OR_RETURN(const auto worker,
                         client->Call<v1::Worker>(
                             "sheaf.v1.AdminService/CalibrateWorker", request));
  context.MakePrinter().One(worker, WorkerColumns());
  context.Say(
      "It measures its models while it is idle, some seconds each. To see the "
      "figures: sheaf worker list -o wide");
  return absl::OkStatus();
}

CLI::App* AddMeasure(CLI::App& worker, Context& context,
                     const std::string& name) {
  const auto [measure, args] =
      AddVerb(worker, context, name,
              "Let a worker measure the times of its models", &RunMeasure);
  AddName(measure, "worker", &args->name, "WORKER", "Worker to measure");
  return measure;
}

}  // namespace

void AddWorkerCommands(CLI::App& app, Context& context) {
  CLI::App& worker = AddNoun(app, "worker", "Show and control workers");
  AddVerb(worker, context, "list", "List workers", &RunWorkerList);
  const auto [drain, args] =
      AddVerb(worker, context, "drain",
              "Let a worker finish its batches and leave", &RunWorkerDrain);
  AddName(drain, "worker", &args->name, "WORKER", "Worker to drain");
  AddMeasure(worker, context, "measure");
  // Hidden: the name that the verb had at first, good until 0.3.
  AddMeasure(worker, context, "calibrate")->group("");
}

}  // namespace sheaf::cli
