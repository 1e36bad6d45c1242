// The power fails at any moment. The test makes the states that a disk may then
// have from a record of the real store's work, and opens each of them.
// Acknowledged writes are in every state, refused ones in none, and every state
// is whole.
//
// SHEAF_CRASH_STATES says how many states (10,000).
#include <cstdlib>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_set>

#include "gmock/gmock.h"
#include "queue/error.h"
#include "tests/queue/sqlite/crash_disk.h"
#include "tests/queue/sqlite/crash_vfs.h"
#include "tests/queue/sqlite/store_fixture.h"

namespace sheaf {
namespace {

constexpr int kStepsPerRound = 60;
constexpr int kStatesPerPoint = 18;

// The answers that callers got, as far as the record was read.
struct Ledger {
  std::set<std::string> acked, refused;
  std::string under_way;  // not answered yet
  int done = 0;           // runs whose end was acknowledged
  int done_under_way = 0;
  bool begun = false;

  // "try r7", "ok r7", "no r7"; "try 4" and so on of runs that are finished.
  void Read(const std::string& note) {
    std::istringstream words(note);
    std::string verb, what;
    words >> verb >> what;
    const int runs = std::atoi(what.c_str());
    if (verb == "try") {
      (runs > 0 ? (void)(done_under_way = runs) : (void)(under_way = what));
      return;
    }
    if (verb == "ok" && runs > 0) done += runs;
    if (verb == "ok" && runs == 0) acked.insert(what);
    if (verb == "no" && runs == 0) refused.insert(what);
    under_way.clear();
    done_under_way = 0;
    begun = true;
  }
};

struct Verdict {
  std::string lost;     // acknowledged and gone
  std::string revived;  // refused and there
  std::string damaged;
  bool ok() const { return lost.empty() && revived.empty() && damaged.empty(); }
};

constexpr char kWrong[] =
    "SELECT (SELECT count(*) FROM jobs j WHERE (n_queued, n_running, "
    "n_succeeded) IS NOT (SELECT sum(state = 1), sum(state = 2), "
    "sum(state = 3) FROM runs WHERE id >> 17 = j.id)) + "
    "(SELECT count(*) FROM pragma_foreign_key_check) + "
    "(SELECT ifnull(max(sequence), 0) - count(*) FROM events) + "
    "(SELECT count(*) FROM jobs) - (SELECT ifnull(max(id), 0) FROM jobs)";

void Compare(SQLite::Database& db, const Ledger& ledger, Verdict* verdict) {
  const std::string integrity =
      db.execAndGet("PRAGMA integrity_check(1)").getString();
  if (integrity != "ok") verdict->damaged = integrity;
  const std::string wrong = db.execAndGet(kWrong).getString();
  if (wrong != "0") verdict->damaged += " counts differ by " + wrong;
  std::set<std::string> stored;
  SQLite::Statement jobs(db, "SELECT request_id FROM jobs");
  while (jobs.executeStep()) stored.insert(jobs.getColumn(0).getString());
  for (const std::string& id : ledger.acked) {
    if (stored.count(id) == 0) verdict->lost += id + " ";
  }
  for (const std::string& id : stored) {
    if (ledger.acked.count(id) == 0 && id != ledger.under_way) {
      verdict->revived += id + " ";
    }
  }
  const int done =
      db.execAndGet("SELECT count(*) FROM runs WHERE state = 3").getInt();
  if (done < ledger.done) verdict->lost += "ends of runs ";
  if (done > ledger.done + ledger.done_under_way) {
    verdict->revived += "ends of runs ";
  }
}

Verdict Look(Files files, const Ledger& ledger) {
  Verdict verdict;
  ShowImage(&files);
  try {
    SQLite::Database db("sheaf.db", SQLite::OPEN_READWRITE, 0, ImageVfsName());
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    Compare(db, ledger, &verdict);
  } catch (const std::exception& thrown) {
    verdict.damaged = thrown.what();
  }
  ShowImage(nullptr);
  return verdict;
}

struct Tally {
  int states = 0;
  int bad = 0;
  std::string first;  // what was wrong with the first bad one
};

class CrashStateTest : public StoreTest {
 protected:
  ~CrashStateTest() override {
    RecordTo(nullptr);
    FailLogSyncs(0);
    FailDatabaseSyncs(0);
    SyncNormally(false);
  }

  // Looks at `wanted` different states; with `until_bad`, stops at a bad one.
  Tally Explore(int wanted, DiskLies lies, bool until_bad) {
    Tally tally;
    for (uint64_t round = 1; tally.states < wanted; ++round) {
      const std::vector<DiskStep> steps = Work(round);
      Replay(steps, lies, round, wanted, until_bad, &tally);
      if (until_bad && tally.bad > 0) break;
    }
    return tally;
  }

 private:
  void OpenRecorded(const std::string& folder) {
    SqliteStore::Options options = MakeOptions();
    options.directory = folder;
    options.vfs = RecordingVfsName();
    options.reader_threads = options.scan_threads = 1;
    options.checkpoint_pages = 40;
    options.unknown_max = absl::Hours(1);
    // After a failure of the disk, the operator starts the program again.
    while (!TryOpen(options).ok()) continue;
  }

  absl::Status Told(const std::string& what, Store::WriteCase use_case) {
    record_.Note("try " + what);
    const absl::Status status = Write(std::move(use_case));
    record_.Note((status.ok() ? "ok " : "no ") + what);
    return status;
  }

  void SubmitOne(const std::string& id, int runs) {
    (void)Told(id, [&](Tx& tx) {
      SubmitTo(tx, runs, id);
      return absl::OkStatus();
    });
  }

  void FinishSome() {
    if (!batch_) {
      Batch batch;
      const absl::Status leased = Write([&](Tx& tx) {
        batch = LeaseFrom(tx, 3);
        return absl::OkStatus();
      });
      if (!leased.ok() || batch.runs.empty()) return;
      batch_ = batch;
    }
    const absl::Status ended =
        Told(std::to_string(batch_->runs.size()), [&](Tx& tx) {
          FinishAll(tx, *batch_);
          return absl::OkStatus();
        });
    if (ended.ok()) batch_.reset();
  }

  // Makes submits, leases, ends, checkpoints, failing syncs and a new start.
  std::vector<DiskStep> Work(uint64_t seed) {
    std::mt19937_64 random(seed * 77 + 5);
    TempFolder folder;
    batch_.reset();
    RecordTo(&record_);
    OpenRecorded(folder.path());
    for (int i = 0; i < kStepsPerRound; ++i) {
      if (random() % 12 == 0) FailLogSyncs(1);
      if (random() % 24 == 0) FailDatabaseSyncs(1);
      if (random() % 3 == 0) {
        FinishSome();
      } else {
        SubmitOne("r" + std::to_string(i), 1 + static_cast<int>(random() % 20));
      }
      if (i == kStepsPerRound / 2) OpenRecorded(folder.path());
    }
    FailLogSyncs(0);
    FailDatabaseSyncs(0);
    Close();
    RecordTo(nullptr);
    return record_.Take();
  }

  void Replay(const std::vector<DiskStep>& steps, DiskLies lies, uint64_t seed,
              int wanted, bool until_bad, Tally* tally) {
    std::mt19937_64 random(seed * 31 + 9);
    CrashDisk disk(lies, seed);
    Ledger ledger;
    // While the log still has the writes that were folded in, a lie about the
    // database does no harm: the search starts after that.
    bool folded = false;
    bool looking = !lies.database;
    for (const DiskStep& step : steps) {
      const bool rich = step.op != DiskOp::kWrite && step.op != DiskOp::kCreate;
      const bool in_log = step.file.ends_with("-wal");
      folded |= ledger.begun && step.op == DiskOp::kWrite && !in_log;
      looking |= folded && in_log && step.op == DiskOp::kSync;
      if (ledger.begun && looking && (rich || random() % 16 == 0)) {
        for (int k = 0; k < kStatesPerPoint; ++k) {
          if (tally->states >= wanted || (until_bad && tally->bad > 0)) return;
          LookAt(disk.CrashState(k % CrashDisk::kKinds), ledger, seed, tally);
        }
      }
      disk.Apply(step);
      if (step.op == DiskOp::kNote) ledger.Read(step.bytes);
    }
  }

  void LookAt(Files files, const Ledger& ledger, uint64_t seed, Tally* tally) {
    size_t hash = seed;
    for (const auto& [name, bytes] : files) {
      hash = hash * 31 + std::hash<std::string>()(name + bytes);
    }
    hash = hash * 31 + ledger.acked.size() + 1000 * ledger.refused.size() +
           1'000'000 * static_cast<size_t>(ledger.done);
    if (!seen_.insert(hash).second) return;
    ++tally->states;
    const Verdict verdict = Look(std::move(files), ledger);
    if (verdict.ok()) return;
    if (tally->bad++ == 0) {
      tally->first = "round " + std::to_string(seed) + ", state " +
                     std::to_string(tally->states) + ": lost " + verdict.lost +
                     "| revived " + verdict.revived + "| damaged " +
                     verdict.damaged;
    }
  }

  CrashRecord record_;
  std::optional<Batch> batch_;
  std::unordered_set<size_t> seen_;
};

int StatesWanted() {
  const char* text = std::getenv("SHEAF_CRASH_STATES");
  return text != nullptr ? std::atoi(text) : 10'000;
}

TEST_F(CrashStateTest, NothingAcknowledgedIsLostAndNothingRefusedComesBack) {
  const absl::Time begin = absl::Now();
  const Tally tally = Explore(StatesWanted(), {}, /*until_bad=*/false);
  std::printf("%d crash states in %s\n", tally.states,
              absl::FormatDuration(absl::Now() - begin).c_str());
  EXPECT_EQ(tally.bad, 0) << tally.first;
}

// The next three tests show that the test above can fail.

TEST_F(CrashStateTest, LessSyncingLosesSomethingWithinAHundredStates) {
  SyncNormally(true);
  EXPECT_GT(Explore(100, {}, /*until_bad=*/true).bad, 0);
}

TEST_F(CrashStateTest, ADiskThatLiesAboutLogsIsNoticedWithinAHundredStates) {
  EXPECT_GT(Explore(100, {.logs = true}, /*until_bad=*/true).bad, 0);
}

TEST_F(CrashStateTest, ADiskThatLiesAboutItsDatabaseIsNoticedAsSoon) {
  EXPECT_GT(Explore(100, {.database = true}, /*until_bad=*/true).bad, 0);
}

TEST_F(CrashStateTest, BackupsGoThroughTheSameFileSystem) {
  CrashRecord record;
  SqliteStore::Options options = MakeOptions();
  options.vfs = RecordingVfsName();
  Open(std::move(options));
  Submit();
  RecordTo(&record);
  Signal done;
  store_->Backup({folder_.path() + "/copy.db"},
                 [&](const absl::StatusOr<BackupInfo>& info) {
                   EXPECT_TRUE(info.ok()) << info.status();
                   done.Notify();
                 });
  done.Wait();
  RecordTo(nullptr);
  int written = 0;
  for (const DiskStep& step : record.Take()) {
    const bool copied = step.file.rfind(".sheaf-backup-", 0) == 0;
    written += copied && step.op == DiskOp::kWrite ? 1 : 0;
  }
  EXPECT_GT(written, 0);
}

}  // namespace
}  // namespace sheaf
