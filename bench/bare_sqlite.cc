#include "bench/bare_sqlite.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "base/json.h"
#include "base/status.h"
#include "bench/payload.h"
#include "queue/sqlite/migrate.h"
#include "queue/sqlite/row.h"
#include "queue/sqlite/statements.h"

namespace sheaf::bench {
namespace {

// Checkpoints are rare enough that a usual commit contains none.
constexpr int kCheckpointPages = 10'000;

// The text of about as many bytes as the payload of a submit.
std::string SharedText() {
  const pb::SubmitJobRequest request = MakeSubmit(1);
  std::string text;
  JsonObject object(&text);
  object.Text("prompt", request.job().shared().prompt());
  object.Integer("steps", 28);
  object.Number("guidance", 7.5);
  object.Text("sampler", "euler");
  object.Integer("width", 512);
  object.Integer("height", 512);
  object.Text("model", "sd15");
  object.Close();
  return text;
}

}  // namespace

BareSqlite::BareSqlite(const std::string& path)
    : db_(path, Connection::Use::kWrite, ""), shared_(SharedText()) {
  sqlite3_wal_autocheckpoint(db_.handle(), kCheckpointPages);
  job_.queue = "bench";
  job_.kind = "inference";
  job_.owner = "bench";
  job_.payload_digest = std::string(64, 'a');
  job_.run_count = 1;
  job_.counts.queued = 1;
  job_.create_time = job_.run_time = absl::Now();
  run_.lane = LaneId{1};
  run_.run_time = job_.run_time;
}

absl::StatusOr<std::unique_ptr<BareSqlite>> BareSqlite::Open(
    const std::string& directory) {
  const std::string path = directory + "/bare.db";
  try {
    std::unique_ptr<BareSqlite> bare(new BareSqlite(path));
    SHEAF_RETURN_IF_ERROR(Migrate(bare->db_, path, Migrations(), absl::Now()));
    bare->last_ = bare->db_.Number("SELECT ifnull(max(id), 0) FROM jobs");
    return bare;
  } catch (const SQLite::Exception& e) {
    return absl::UnavailableError(e.what());
  }
}

void BareSqlite::AddJob() {
  const JobId id{++last_};
  job_.request_id = NewRequestId();
  WriteNewJob(db_, id, job_);
  db_.Run(sql::kAddSharedParams, id.value, shared_);
  run_.id = RunId(id, 0);
  WriteRun(db_, sql::kAddRun, run_);
  db_.Run(sql::kAddOwnParams, run_.id.value,
          std::string_view(R"({"seed":1000000})"));
  Event event{.type = EventType::kJobSubmitted, .queue = job_.queue};
  event.sequence = last_;
  event.time = job_.create_time;
  event.job = id;
  event.actor = job_.owner;
  WriteEvent(db_, event);
}

absl::StatusOr<Window> BareSqlite::Measure(int group, absl::Duration length) {
  Window window;
  const absl::Time start = absl::Now();
  absl::Time now = start;
  try {
    while (now < start + length) {
      db_.Execute("BEGIN IMMEDIATE");
      for (int i = 0; i < group; ++i) AddJob();
      db_.Execute("COMMIT");
      const absl::Time end = absl::Now();
      window.latencies.push_back(absl::ToDoubleSeconds(end - now));
      now = end;
    }
  } catch (const SQLite::Exception& e) {
    return absl::UnavailableError(e.what());
  }
  window.rate = static_cast<double>(window.latencies.size()) * group /
                absl::ToDoubleSeconds(now - start);
  std::sort(window.latencies.begin(), window.latencies.end());
  return window;
}

}  // namespace sheaf::bench
