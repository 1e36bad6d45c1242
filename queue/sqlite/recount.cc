#include "queue/sqlite/recount.h"

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "queue/rows/broken_row.h"
#include "queue/sqlite/row.h"
#include "queue/sqlite/row_json.h"

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

constexpr char kLists[] = "SELECT id, runs, twins FROM batches ORDER BY id";

constexpr char kOdd[] = SHEAF_HELD
    "SELECT id, 'there is no queues/' || queue FROM batches "
    "WHERE queue NOT IN (SELECT name FROM queues) "
    "UNION SELECT held.batch, 'it holds runs that do not run under it' "
    "FROM held LEFT JOIN runs ON runs.id = held.run WHERE "
    "(runs.state, runs.batch, runs.epoch) IS NOT "
    "(2, held.batch, held.epoch) ORDER BY 1";
#undef SHEAF_HELD

// Why the lists of a lease make no sense; empty where they do.
std::string_view WhyOdd(std::string_view runs_text,
                        std::optional<std::string_view> twins_text) {
  try {
    const std::vector<RunId> runs = ParseRunIds(runs_text);
    if (runs.empty()) return "it holds nothing";
    if (!twins_text) return "";
    const std::set<RunId> held(runs.begin(), runs.end());
    const std::map<RunId, RunId> twins = ParseRunPairs(*twins_text);
    for (const auto& [twin, maker] : twins) {
      if (!held.contains(twin) || !held.contains(maker) ||
          twins.contains(maker)) {
        return "a twin in it has no run that makes its picture";
      }
    }
    return "";
  } catch (const BrokenRow&) {
    return "its lists cannot be read";
  }
}

// A column of texts, by the row and the attempt that they belong to.
struct TextColumn {
  const char* ask;
  void (*parse)(std::string_view text);
  const char* what;
  bool is_of_job;
  const char* mend;
  std::string (*instead)();
};

std::string LostError() {
  return ErrorText(
      {ErrorClass::kEngine, "the stored error could not be read and is lost"});
}

constexpr TextColumn kTexts[] = {
    {"SELECT id, 0, error FROM runs WHERE error IS NOT NULL ORDER BY id",
     [](std::string_view text) { ParseError(text); }, "the error", false,
     "UPDATE runs SET error = ?3 WHERE id = ?1", &LostError},
    {"SELECT id, 0, outputs FROM runs WHERE outputs IS NOT NULL ORDER BY id",
     [](std::string_view text) { ParseOutputs(text); }, "the list of outputs",
     false, "UPDATE runs SET outputs = ?3 WHERE id = ?1",
     [] { return OutputsText({}); }},
    {"SELECT run_id, attempt, error FROM attempts WHERE error IS NOT NULL "
     "ORDER BY run_id, attempt",
     [](std::string_view text) { ParseError(text); }, "the error of an attempt",
     false, "UPDATE attempts SET error = ?3 WHERE run_id = ?1 AND attempt = ?2",
     &LostError},
    {"SELECT id, 0, labels FROM jobs ORDER BY id",
     [](std::string_view text) { ParseLabels(text); }, "the labels", true,
     "UPDATE jobs SET labels = ?3 WHERE id = ?1",
     [] { return LabelsText({}); }},
};

bool CanParse(const TextColumn& column, std::string_view text) {
  try {
    column.parse(text);
    return true;
  } catch (const BrokenRow&) {
    return false;
  }
}

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
  // One reason for each lease is enough.
  std::map<BatchId, std::string> found;
  for (Query rows = db.AskOnce(kLists); rows.Step();) {
    const BatchId batch{rows.Integer()};
    const std::string runs(rows.Text());
    const std::string_view why = WhyOdd(runs, rows.TextOrNull());
    if (!why.empty()) found.emplace(batch, why);
  }
  for (Query rows = db.AskOnce(kOdd); rows.Step();) {
    const BatchId batch{rows.Integer()};
    found.emplace(batch, rows.Text());
  }
  std::vector<OddLease> leases;
  for (auto& [batch, why] : found) leases.push_back({batch, std::move(why)});
  return leases;
}

std::vector<BrokenText> BrokenTexts(Connection& db) {
  std::vector<BrokenText> broken;
  for (const TextColumn& column : kTexts) {
    for (Query rows = db.AskOnce(column.ask); rows.Step();) {
      const int64_t row = rows.Integer();
      const int64_t attempt = rows.Integer();
      if (CanParse(column, rows.Text())) continue;
      broken.push_back(
          {std::string(column.what) + " of " +
               (column.is_of_job ? NameOf(JobId{row}) : NameOf(RunId(row))),
           column.mend, row, attempt, column.instead()});
    }
  }
  return broken;
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
  for (const BrokenText& text : BrokenTexts(db)) {
    say(text.what + " cannot be read");
  }
  for (const OddLease& lease : OddLeases(db)) {
    say(NameOf(lease.batch) + " makes no sense: " + lease.why);
  }
  for (const RunId run : UnheldRuns(db)) {
    say(NameOf(run) + " is RUNNING, and no lease holds it");
  }
  return lines;
}

}  // namespace sheaf
