#include "queue/sqlite/recount.h"

#include <tuple>

#include "queue/sqlite/row.h"

namespace sheaf {
namespace {

constexpr size_t kLinesMax = 100;

// A run's job is its id without the index in it.
constexpr char kJobs[] =
    "SELECT j.id, n_queued, n_running, n_succeeded, n_failed, n_cancelled, "
    "run_count, ifnull(q, 0), ifnull(r, 0), ifnull(s, 0), ifnull(f, 0), "
    "ifnull(c, 0), ifnull(n, 0) FROM jobs AS j LEFT JOIN ("
    // The cast is for an index: without it each job looks through all of these.
    "SELECT CAST(id >> 17 AS INTEGER) AS job, count(*) AS n, "
    "sum(state = 1) AS q, "
    "sum(state = 2) AS r, sum(state = 3) AS s, sum(state = 4) AS f, "
    "sum(state = 5) AS c FROM runs GROUP BY 1) AS of ON of.job = j.id "
    "WHERE (n_queued, n_running, n_succeeded, n_failed, n_cancelled, "
    "run_count) IS NOT (ifnull(q, 0), ifnull(r, 0), ifnull(s, 0), "
    "ifnull(f, 0), ifnull(c, 0), ifnull(n, 0)) ORDER BY j.id";

// The two tables that count the runs of jobs by a name.
std::string ByName(const std::string& table, const std::string& column) {
  return "WITH live AS (SELECT j." + column +
         " AS name, sum(r.state = 1) AS queued, sum(r.state = 2) AS running "
         "FROM runs AS r JOIN jobs AS j ON j.id = r.id >> 17 "
         "WHERE r.state <= 2 GROUP BY 1) "
         "SELECT t.name, 1, t.queued, t.running, ifnull(live.queued, 0), "
         "ifnull(live.running, 0) FROM " +
         table +
         " AS t LEFT JOIN live ON live.name = t.name "
         "WHERE (t.queued, t.running) IS NOT "
         "(ifnull(live.queued, 0), ifnull(live.running, 0)) UNION ALL "
         "SELECT name, 0, 0, 0, queued, running FROM live "
         "WHERE name NOT IN (SELECT name FROM " +
         table + ") ORDER BY 1";
}

// The runs of all leases that can be read.
#define SHEAF_HELD                                                        \
  "WITH held AS (SELECT b.id AS batch, b.epoch AS epoch, h.value AS run " \
  "FROM batches AS b, json_each(CASE WHEN json_valid(b.runs) "            \
  "THEN b.runs ELSE '[]' END) AS h) "

constexpr char kUnheld[] = SHEAF_HELD
    "SELECT id FROM runs WHERE state = 2 AND NOT EXISTS ("
    "SELECT 1 FROM held WHERE held.run = runs.id "
    "AND held.batch = runs.batch AND held.epoch = runs.epoch) ORDER BY id";

constexpr char kOdd[] = SHEAF_HELD
    "SELECT id, 'its lists cannot be read' FROM batches "
    "WHERE NOT (json_valid(runs) AND json_valid(ifnull(twins, '[]'))) "
    "UNION SELECT id, 'there is no queues/' || queue FROM batches "
    "WHERE queue NOT IN (SELECT name FROM queues) "
    "UNION SELECT id, 'it holds nothing' FROM batches "
    "WHERE json_valid(runs) AND json_array_length(runs) = 0 "
    "UNION SELECT held.batch, 'it holds runs that do not run under it' "
    "FROM held LEFT JOIN runs ON runs.id = held.run WHERE "
    "(runs.state, runs.batch, runs.epoch) IS NOT "
    "(2, held.batch, held.epoch) ORDER BY 1";
#undef SHEAF_HELD

std::vector<CountedName> NamesOf(Connection& db, const std::string& sql) {
  std::vector<CountedName> names;
  Query rows = db.AskOnce(sql);
  while (rows.Step()) {
    CountedName& name = names.emplace_back();
    name.name = rows.Text();
    name.known = rows.Integer() != 0;
    name.queued_kept = rows.Integer();
    name.running_kept = rows.Integer();
    name.queued = rows.Integer();
    name.running = rows.Integer();
  }
  return names;
}

std::string InWords(const RunCounts& counts) {
  std::string text;
  for (const RunStateFacts& facts : kRunStates) {
    if (!text.empty()) text += ", ";
    text += std::to_string(counts.*facts.count) + " ";
    text += facts.word;
  }
  return text;
}

std::string InWords(int64_t queued, int64_t running) {
  return std::to_string(queued) + " queued, " + std::to_string(running) +
         " running";
}

}  // namespace

std::vector<CountedJob> MiscountedJobs(Connection& db) {
  std::vector<CountedJob> jobs;
  Query rows = db.AskOnce(kJobs);
  while (rows.Step()) {
    CountedJob& job = jobs.emplace_back();
    job.id = JobId{rows.Integer()};
    job.kept = ReadCounts(rows);
    job.runs_kept = rows.Integer();
    job.counted = ReadCounts(rows);
    job.runs_counted = rows.Integer();
  }
  return jobs;
}

std::vector<CountedName> MiscountedQueues(Connection& db) {
  return NamesOf(db, ByName("queues", "queue"));
}

std::vector<CountedName> MiscountedOwners(Connection& db) {
  return NamesOf(db, ByName("owners", "owner"));
}

std::vector<RunId> UnheldRuns(Connection& db) {
  std::vector<RunId> runs;
  Query rows = db.AskOnce(kUnheld);
  while (rows.Step()) runs.emplace_back(rows.Integer());
  return runs;
}

std::vector<OddLease> OddLeases(Connection& db) {
  std::vector<OddLease> leases;
  Query rows = db.AskOnce(kOdd);
  while (rows.Step()) {
    const BatchId batch{rows.Integer()};
    // One reason for each lease is enough.
    if (!leases.empty() && leases.back().batch == batch) continue;
    leases.push_back({batch, std::string(rows.Text())});
  }
  return leases;
}

std::vector<std::string> Miscounts(Connection& db) {
  std::vector<std::string> lines;
  const auto say = [&](std::string line) {
    if (lines.size() < kLinesMax) lines.push_back(std::move(line));
  };
  for (const CountedJob& job : MiscountedJobs(db)) {
    say(NameOf(job.id) + " counts " + InWords(job.kept) + "; its runs are " +
        InWords(job.counted));
  }
  const auto say_names = [&](const std::string& prefix,
                             const std::vector<CountedName>& names) {
    for (const CountedName& name : names) {
      say(prefix + name.name +
          (name.known
               ? " counts " + InWords(name.queued_kept, name.running_kept)
               : std::string(" does not exist")) +
          "; the runs of its jobs are " + InWords(name.queued, name.running));
    }
  };
  say_names("queues/", MiscountedQueues(db));
  say_names("owner ", MiscountedOwners(db));
  for (const OddLease& lease : OddLeases(db)) {
    say(NameOf(lease.batch) + " makes no sense: " + lease.why);
  }
  for (const RunId run : UnheldRuns(db)) {
    say(NameOf(run) + " is RUNNING, and no lease holds it");
  }
  return lines;
}

}  // namespace sheaf
