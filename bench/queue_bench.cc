// queue_bench: measures the server under load, over real gRPC, beside gRPC,
// SQLite and PostgreSQL on the same machine in the same minutes.
// bench/README.md says how to read it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "bench/echo_server.h"
#include "bench/suite.h"
#include "bench/temp_directory.h"

namespace sheaf::bench {
namespace {

struct Group {
  const char* name;
  const char* title;
  absl::Status (*measure)(Suite&);
  bool alone = false;  // not part of a full run: another group covers it
};
const Group kGroups[] = {
    {"floor", "gRPC and SQLite alone", MeasureFloor, /*alone=*/true},
    {"submit", "durable submits", MeasureSubmit},
    {"latency", "submits by the clock", MeasureLatency},
    {"large", "large jobs", MeasureLargeJobs},
    {"depth", "lease and finish over a long queue", MeasureDepth},
    {"life", "full life", MeasureLife},
    {"events", "events", MeasureEvents},
    {"quiet", "one client beside a flood", MeasureQuiet},
    {"recovery", "recovery", MeasureRecovery},
};

struct Flags {
  std::string json;
  std::string directory = "/var/tmp";
  std::string echo_server;
  std::vector<std::string> only;
  bool quick = false;
  bool unix_socket = false;
};

bool Wanted(const Group& group, const std::vector<std::string>& only) {
  if (only.empty()) return !group.alone;
  return std::find(only.begin(), only.end(), group.name) != only.end();
}

Suite MakeSuite(const Flags& flags, const std::string& directory,
                Table* table) {
  Suite suite;
  suite.table = table;
  suite.directory = directory;
  suite.quick = flags.quick;
  suite.unix_socket = flags.unix_socket;
  if (flags.quick) {
    suite.load = {absl::Milliseconds(20), absl::Milliseconds(100)};
    suite.rounds = {
        .rounds_min = 1, .rounds_max = 1, .budget = absl::Seconds(10)};
  }
  return suite;
}

// The number of groups that could not be measured.
int RunGroups(const Flags& flags, Suite* suite) {
  int failed = 0;
  for (const Group& group : kGroups) {
    if (!Wanted(group, flags.only) || Interrupted()) continue;
    suite->table->Say(fmt::format("-- {}: {}", group.name, group.title));
    absl::Status status;
    if (group.measure != MeasureFloor && !ServerProcess::Available()) {
      status = absl::NotFoundError("there is no sheafd beside this program");
    } else {
      status = group.measure(*suite);
    }
    if (status.ok()) continue;
    ++failed;
    suite->table->Say("not measured: " + std::string(status.message()));
  }
  return failed;
}

int Run(const Flags& flags) {
  WatchForInterrupt();
  auto directory = TempDirectory::Make(flags.directory);
  if (!directory.ok()) {
    fmt::print(stderr, "queue_bench: {}\n",
               std::string(directory.status().message()));
    return 1;
  }
  Table table;
  if ((*directory)->in_memory()) {
    table.Say("note: " + flags.directory +
              " lies in memory; a commit costs nothing there");
  }
  Suite suite = MakeSuite(flags, (*directory)->path(), &table);
  const int failed = RunGroups(flags, &suite);
  table.Say(fmt::format("{} targets missed, {} groups not measured",
                        table.missed(), failed));
  if (!flags.json.empty()) {
    const absl::Status status = table.WriteJson(flags.json);
    if (!status.ok()) {
      fmt::print(stderr, "queue_bench: {}\n", std::string(status.message()));
      return 1;
    }
  }
  return failed == 0 && table.missed() == 0 && !Interrupted() ? 0 : 1;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Measures sheafd under load, beside what bounds it.");
  std::vector<std::string> names;
  for (const Group& group : kGroups) names.push_back(group.name);
  app.add_flag("--quick", flags.quick,
               "everything small, in less than a minute; judges no rates");
  app.add_option("--only", flags.only, "only these groups")
      ->check(CLI::IsMember(names))
      ->type_name("NAME");
  app.add_option("--json", flags.json, "also write the rows here")
      ->type_name("FILE");
  app.add_option("--dir", flags.directory,
                 "where data directories are made and removed; on a real disk")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--unix", flags.unix_socket,
               "over UNIX sockets instead of TCP on 127.0.0.1");
  // This program starts its own echo server with this flag.
  app.add_option("--echo-server", flags.echo_server)->group("");
  CLI11_PARSE(app, argc, argv);
  // Debian's Abseil looks for deadlocks at every lock, which takes a tenth of
  // all time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (!flags.echo_server.empty()) return RunEchoServer(flags.echo_server);
  return Run(flags);
}

}  // namespace
}  // namespace sheaf::bench

int main(int argc, char** argv) { return sheaf::bench::Main(argc, argv); }
