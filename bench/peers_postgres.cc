#include "bench/peers_postgres.h"

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "base/status.h"

namespace sheaf::bench {
namespace {

constexpr char kInstalled[] = "/usr/lib/postgresql";
constexpr int kConnections = 64;
constexpr absl::Duration kToolTimeout = absl::Seconds(60);

// As the manuals advise: the payload apart from the state, a partial index
// over what waits, numbers that go up.
constexpr char kSchema[] = R"sql(
CREATE TABLE jobs (
  id bigserial PRIMARY KEY,
  payload text NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE runs (
  id bigserial PRIMARY KEY,
  job_id bigint NOT NULL,
  state smallint NOT NULL DEFAULT 1,
  attempt smallint NOT NULL DEFAULT 0,
  worker int,
  start_time timestamptz,
  end_time timestamptz
);
CREATE INDEX runs_ready ON runs (id) WHERE state = 1;
)sql";

constexpr char kInsert[] =
    "WITH j AS (INSERT INTO jobs (payload) VALUES (:payload) RETURNING id) "
    "INSERT INTO runs (job_id) SELECT j.id FROM j, "
    "generate_series(1, {});\n";

constexpr char kClaim[] =
    "WITH claimed AS (UPDATE runs SET state = 2, attempt = attempt + 1, "
    "worker = :client_id, start_time = now() WHERE id IN (SELECT id FROM runs "
    "WHERE state = 1 ORDER BY id LIMIT {} FOR UPDATE SKIP LOCKED) "
    "RETURNING id, job_id) "
    "SELECT coalesce(array_agg(c.id), '{{}}') AS ids, "
    "max(j.payload) AS taken FROM claimed c JOIN jobs j ON j.id = c.job_id "
    "\\gset\n";

constexpr char kFinish[] =
    "UPDATE runs SET state = 3, end_time = now() "
    "WHERE id = ANY(:ids::bigint[]) AND state = 2;\n";

// The folder of the newest installed version's programs, or nothing.
std::string FindPrograms() {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(kInstalled, ignored)) {
    const std::string bin = entry.path().string() + "/bin";
    if (std::filesystem::exists(bin + "/postgres", ignored) &&
        std::filesystem::exists(bin + "/pgbench", ignored)) {
      found.push_back(bin);
    }
  }
  return found.empty() ? "" : *std::max_element(found.begin(), found.end());
}

// PostgreSQL refuses to run as root.
std::string UserFor() {
  if (geteuid() != 0) return "";
  return getpwnam("postgres") != nullptr ? "postgres" : "nobody";
}

absl::StatusOr<double> ReadRate(const std::string& output) {
  // pgbench names no rate where it processed nothing.
  if (output.find("actually processed: 0\n") != std::string::npos) return 0.0;
  const size_t at = output.find("tps = ");
  if (at == std::string::npos) {
    return absl::UnknownError("pgbench named no rate:\n" + output);
  }
  return std::atof(output.c_str() + at + 6);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresPeer>> PostgresPeer::Start(
    const std::string& directory) {
  std::unique_ptr<PostgresPeer> peer(new PostgresPeer);
  peer->bin_ = FindPrograms();
  if (peer->bin_.empty()) {
    return absl::NotFoundError("PostgreSQL is not installed");
  }
  peer->version_ =
      std::filesystem::path(peer->bin_).parent_path().filename().string();
  peer->directory_ = directory;
  peer->user_ = UserFor();
  SHEAF_RETURN_IF_ERROR(peer->MakeCluster());
  SHEAF_RETURN_IF_ERROR(peer->StartServer());
  SHEAF_RETURN_IF_ERROR(peer->Sql(kSchema));
  return peer;
}

// The fast shutdown: it also takes its shared memory with it.
PostgresPeer::~PostgresPeer() { server_.Stop(SIGINT, absl::Seconds(10)); }

absl::Status PostgresPeer::MakeCluster() {
  if (mkdir(directory_.c_str(), 0755) != 0) {
    return absl::PermissionDeniedError("cannot make " + directory_);
  }
  if (!user_.empty()) {
    const passwd* entry = getpwnam(user_.c_str());
    if (entry == nullptr ||
        chown(directory_.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
      return absl::PermissionDeniedError("cannot give a folder to " + user_);
    }
  }
  Process::Options options;
  options.command = {bin_ + "/initdb",
                     "-D",
                     directory_ + "/data",
                     "-U",
                     "bench",
                     "-A",
                     "trust",
                     "--locale=C",
                     "-E",
                     "UTF8"};
  options.log_path = directory_ + "/initdb.log";
  options.user = user_;
  return Process::Run(options, kToolTimeout).status();
}

absl::Status PostgresPeer::StartServer() {
  Process::Options options;
  options.command = {bin_ + "/postgres", "-D", directory_ + "/data"};
  for (const std::string& setting :
       {std::string("listen_addresses="),
        "unix_socket_directories=" + directory_, std::string("fsync=on"),
        std::string("synchronous_commit=on"),
        std::string("max_connections=100"),
        std::string("shared_buffers=256MB")}) {
    options.command.push_back("-c");
    options.command.push_back(setting);
  }
  options.log_path = directory_ + "/postgres.log";
  options.user = user_;
  SHEAF_ASSIGN_OR_RETURN(server_, Process::Start(options));
  const absl::Time end = absl::Now() + kToolTimeout;
  while (absl::Now() < end && server_.Alive()) {
    if (Sql("SELECT 1").ok()) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(100));
  }
  return absl::UnavailableError("PostgreSQL did not start:\n" +
                                TailOf(options.log_path));
}

absl::Status PostgresPeer::Sql(const std::string& statements) {
  return RunTool({bin_ + "/psql", "-h", directory_, "-U", "bench", "-d",
                  "postgres", "-v", "ON_ERROR_STOP=1", "-q", "-c", statements},
                 kToolTimeout)
      .status();
}

absl::StatusOr<std::string> PostgresPeer::RunTool(
    std::vector<std::string> command, absl::Duration timeout) {
  Process::Options options;
  options.command = std::move(command);
  options.log_path = directory_ + "/tool.log";
  return Process::Run(options, timeout);
}

absl::StatusOr<Window> PostgresPeer::Measure(const Loop& loop,
                                             absl::Duration window) {
  // Remains of an earlier loop, dead rows most of all, would slow this one.
  SHEAF_RETURN_IF_ERROR(Sql("TRUNCATE jobs, runs RESTART IDENTITY"));
  const std::string script = directory_ + "/loop.sql";
  std::ofstream file(script);
  for (int i = 0; i < loop.inserts; ++i) {
    file << fmt::format(kInsert, loop.runs_per_insert);
  }
  file << fmt::format(kClaim, loop.claim) << kFinish;
  file.close();
  const auto seconds = std::max<int64_t>(
      1, absl::ToInt64Seconds(absl::Ceil(window, absl::Seconds(1))));
  SHEAF_ASSIGN_OR_RETURN(
      const std::string output,
      RunTool({bin_ + "/pgbench", "-h", directory_, "-U", "bench", "-n", "-M",
               "prepared", "-c", std::to_string(kConnections), "-j", "2", "-T",
               std::to_string(seconds), "-D",
               "payload=" + std::string(440, 'x'), "-f", script, "postgres"},
              window + kToolTimeout));
  SHEAF_ASSIGN_OR_RETURN(const double rate, ReadRate(output));
  Window result;
  result.rate = rate * loop.claim;
  return result;
}

}  // namespace sheaf::bench
