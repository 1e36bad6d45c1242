#include "queue/sqlite/writer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/crash_point.h"
#include "base/files.h"
#include "queue/error.h"
#include "queue/sqlite/statements.h"

namespace sheaf {
namespace {

// If the newest event lies further ahead of the clock than this, a wrong clock
// wrote it, and the writer's time does not follow it.
constexpr absl::Duration kAheadMax = absl::Minutes(61);

using std::chrono::steady_clock;

// The log is folded in every so many pages (16 MiB).
constexpr int kCheckpointPages = 4000;
// Waiting writes of one connection: many streams of jobs, each with all that it
// may have under way.
constexpr size_t kCallerWritesMax = 4096;
constexpr auto kIdle = std::chrono::seconds(1);
constexpr auto kAsleep = std::chrono::hours(1);
constexpr auto kLookForReads = std::chrono::milliseconds(100);
// A backup that waits for another to be checked looks again after this.
constexpr auto kLookForBackup = std::chrono::milliseconds(20);
constexpr size_t kBackupsWaitingMax = 8;
constexpr int64_t kNothingFree = 1 << 20;
constexpr auto kLoneTime = std::chrono::microseconds(500);
constexpr auto kLoneStays = std::chrono::milliseconds(100);

int NoteWalPages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

Writer::Options WithDefaults(Writer::Options options) {
  if (options.checkpoint_pages == 0) {
    options.checkpoint_pages = kCheckpointPages;
  }
  return options;
}

// About how many pages the log has that a start finds.
int PagesOfLog(const std::string& path) {
  constexpr int64_t kFrameBytes = 4096 + 24;
  return static_cast<int>(FileSize(path + "-wal") / kFrameBytes);
}

// Reads and writes everything that a write needs. Throws where that fails.
void Probe(Connection& db, bool damaged) {
  db.Number("SELECT count(*) FROM sqlite_schema");
  if (damaged) {
    Query check = db.AskOnce("PRAGMA quick_check(1)");
    if (!check.Step() || check.Text() != "ok") {
      throw SQLite::Exception("quick_check still fails", SQLITE_CORRUPT);
    }
  }
  db.Run(sql::kBegin);
  db.Run(sql::kProbe);
  db.Run(sql::kCommit);
}

}  // namespace

Writer::Core::Core(std::unique_ptr<Connection> connection)
    : db(std::move(connection)), tx(*db) {
  sqlite3_wal_hook(db->handle(), NoteWalPages, &wal_pages);
}

Writer::Writer(Options options, std::unique_ptr<Connection> db, LogMark mark,
               HealthBoard* health, LogGate* gate, const Runners& runners)
    : options_(WithDefaults(std::move(options))),
      health_(health),
      gate_(gate),
      runners_(runners),
      line_({.waiting_max = static_cast<size_t>(options_.writes_max),
             .caller_max = kCallerWritesMax}),
      core_(std::make_unique<Core>(std::move(db))),
      limit_(options_.closure_time_max),
      log_fold_(options_.path, options_.vfs, health),
      mark_(std::move(mark)),
      ballast_(FolderOf(options_.path) + "/sheaf.ballast",
               options_.ballast_bytes),
      retry_delay_(options_.recovery_delay_min) {
  const absl::Time clock = options_.clock();
  const absl::Time newest = core_->tx.newest_time();
  latest_ms_ = absl::ToUnixMillis(newest > clock + kAheadMax ? clock : newest);
  limit_.Watch(core_->db->handle());
  core_->wal_pages = PagesOfLog(options_.path);
  if (!ballast_.Keep()) {
    health_->AddWarning("the disk has no room for a ballast of " +
                        std::to_string(ballast_.bytes()) + " bytes");
    // As while it runs (FindRoom): the room left is for calls that make room.
    if (FreeBytes(options_.path) < 2 * ballast_.bytes()) NoteShortage();
  }
  thread_ = std::thread([this] { Loop(); });
}

void Writer::Stop() {
  line_.Close();
  if (thread_.joinable()) thread_.join();
}

absl::Time Writer::Now() {
  const int64_t now = absl::ToUnixMillis(options_.clock());
  return absl::FromUnixMillis(std::max(now, latest_ms_.load()));
}

void Writer::Write(Store::WriteCase use_case, Store::Done done,
                   CallOptions options) {
  Task task{std::move(use_case), std::move(done), std::move(options.cancelled),
            options.own, nullptr};
  const bool urgent = options.own || options.first || options.makes_room;
  if (short_of_room_ && !urgent) {
    return Refuse(std::move(task),
                  WithRetryAfter(Error(Reason::kDiskFull, kOnlyToMakeRoom),
                                 absl::Seconds(10)));
  }
  if (!options.own && unanswered_ >= options_.writes_max) {
    return Refuse({std::move(task), Line::Why::kFull});
  }
  if (auto refused = line_.Push(options, std::move(task))) {
    Refuse(*std::move(refused));
  }
}

void Writer::Backup(BackupOrder order, BackupCopy::Done done) {
  Task task;
  task.backup = std::make_unique<BackupCopy>(std::move(order), options_.vfs,
                                             std::move(done));
  if (auto refused = line_.Push({.own = true}, std::move(task))) {
    Refuse(*std::move(refused));
  }
}

// Answers on another thread: the caller may hold locks that the answer takes.
void Writer::Refuse(Line::Refused refused) {
  absl::Status status = Error(Reason::kServerStopping, "the store is closed");
  if (refused.why == Line::Why::kFull) {
    status = WithRetryAfter(
        Error(Reason::kOverloaded, "too many writes wait already"),
        absl::Seconds(1));
  }
  Refuse(std::move(refused.task), std::move(status));
}

void Writer::Refuse(Task task, absl::Status status) {
  runners_.refusals->Run(
      [task = std::move(task), status = std::move(status)]() mutable {
        task.backup ? task.backup->TakeDone()(status) : task.done(status);
      });
}

void Writer::Loop() {
  while (line_.Wait(NextWake())) {
    if (core_ == nullptr && steady_clock::now() >= retry_at_) Recover();
    if (core_ == nullptr && steady_clock::now() >= held_until_) Settle(false);
    bool idle = false;
    if (core_ == nullptr || !health_->condemned().ok()) {
      RefuseAll();
    } else {
      idle = !RunGroup();
    }
    if (core_ != nullptr) Maintain(idle);
  }
  if (core_ == nullptr && !held_.empty() && !damaged_) Recover();
  Settle(false);
  while (!backups_.empty()) {
    backups_.front()->Refuse(
        Error(Reason::kServerStopping, "the store closes"));
    backups_.pop_front();
  }
  log_fold_.Wait();
  if (core_ != nullptr) Maintain(/*idle=*/true);
  gate_->Note(0, 0);
  core_.reset();
}

Writer::SteadyTime::duration Writer::NextWake() const {
  if (core_ == nullptr) {
    const SteadyTime next =
        held_.empty() ? retry_at_ : std::min(retry_at_, held_until_);
    return std::max(next - steady_clock::now(), SteadyTime::duration::zero());
  }
  if (!backups_.empty()) {
    return publishing_ ? SteadyTime::duration(kLookForBackup)
                       : SteadyTime::duration::zero();
  }
  if (gate_->is_closed()) return kLookForReads;
  if (short_of_room_) return kLookForRoom;
  return core_->wal_pages > 0 ? SteadyTime::duration(kIdle)
                              : SteadyTime::duration(kAsleep);
}

std::optional<Writer::Line::Turn> Writer::NextTurn(const Line::Turn* ended,
                                                   SteadyTime::duration spent) {
  // A caller whose last task was heavy begins a group of its own: the tasks
  // before it would wait for it. `most` allows for a task that was only kept
  // from a busy processor for a while.
  const auto most = absl::ToChronoNanoseconds(3 * options_.group_time_max);
  auto turn = ended ? line_.TryTakeAfter(*ended, spent, most) : line_.TryTake();
  for (; turn; turn = line_.TryTake()) {
    if (turn->task.backup == nullptr) {
      ++unanswered_;
      return turn;
    }
    if (backups_.size() < kBackupsWaitingMax) {
      backups_.push_back(std::move(turn->task.backup));
      continue;
    }
    Refuse(std::move(turn->task),
           WithRetryAfter(Error(Reason::kOverloaded,
                                "too many backups are being made already"),
                          absl::Seconds(10)));
  }
  return std::nullopt;
}

// Whether there was anything to run.
bool Writer::RunGroup() {
  Answers answers;
  std::optional<Committed> committed;
  bool committing = false;
  try {
    if (RunClosures(&answers)) {
      SHEAF_CRASH_POINT("before-commit");
      committing = true;
      const SteadyTime begin = steady_clock::now();
      core_->db->Run(sql::kCommit);
      commit_time_ = steady_clock::now() - begin;
      SHEAF_CRASH_POINT("after-commit");
      committed = core_->tx.TakeCommitted();
      mark_.Note(committed->last_sequence);
    } else if (!answers.empty()) {
      core_->db->Run(sql::kRollback);
    }
  } catch (const std::exception& thrown) {
    const Fault fault = FaultOf(thrown);
    for (Answer& answer : answers) answer.status = fault.status;
    Poison(fault);
    // Before the commit nothing of the group can be on disk. During the commit
    // all of it can be, unless its last page did not fit.
    const bool fits = ReasonOf(fault.status) != Reason::kDiskFull;
    if (committing && fits) Hold(std::exchange(answers, {}));
  }
  const bool ran = !answers.empty();
  Reply(std::move(answers), std::move(committed));
  return ran;
}

void Writer::Hold(Answers answers) {
  held_ = std::move(answers);
  held_until_ =
      steady_clock::now() + absl::ToChronoNanoseconds(options_.unknown_max);
}

void Writer::Settle(bool known) {
  if (held_.empty()) return;
  if (!known) {
    for (Answer& answer : held_) {
      answer.status = WithRetryAfter(
          Error(Reason::kOutcomeUnknown,
                "the disk failed while the call was being stored, and the "
                "server does not know yet whether it was stored"),
          absl::Seconds(1));
    }
  }
  Reply(std::exchange(held_, {}), std::nullopt);
}

// Whether there is anything to commit.
bool Writer::RunClosures(Answers* answers) {
  auto turn = NextTurn();
  if (!turn) return false;
  SteadyTime before = steady_clock::now();
  // A caller that asks seldom does not wait for a flood to fill the group, nor
  // for the next one, if it was here a moment ago. But where commits take long,
  // short groups would get little done.
  const SteadyTime::duration most =
      absl::ToChronoNanoseconds(options_.group_time_max);
  const SteadyTime::duration brief =
      std::clamp<SteadyTime::duration>(commit_time_ / 2, kLoneTime, most);
  SteadyTime end = before + (before - lone_at_ < kLoneStays ? brief : most);
  const absl::Time now = Now();
  latest_ms_ = absl::ToUnixMillis(now);
  careful_ = false;
  while (turn) {
    answers->push_back({std::move(turn->task), absl::OkStatus()});
    answers->back().lone = turn->lone;
    if (turn->lone) {
      lone_at_ = before;
      end = std::min(end, before + brief);
    }
    if (answers->size() == 1) {
      core_->db->Run(sql::kBegin);
      core_->tx.BeginGroup(now);
    }
    try {
      RunLast(answers);
    } catch (...) {
      line_.End(*turn, steady_clock::now() - before);
      throw;
    }
    SHEAF_CRASH_POINT("mid-group");
    const SteadyTime after = steady_clock::now();
    const SteadyTime::duration spent = after - std::exchange(before, after);
    if (answers->size() == static_cast<size_t>(options_.group_max) ||
        after >= end) {
      line_.End(*turn, spent);
      break;
    }
    turn = NextTurn(&*turn, spent);
  }
  return core_->tx.Flush();
}

void Writer::RunLast(Answers* answers) {
  bool whole = RunOne(&answers->back());
  while (!whole) {
    core_->tx.BeginAgain();
    careful_ = true;
    whole = true;
    // One of them may take too long only now; then they begin once more.
    for (Answer& answer : *answers) whole = whole && RunOne(&answer);
  }
}

// False where it failed and the group must begin again.
bool Writer::RunOne(Answer* answer) {
  if (answer->over) return true;
  SqliteTx& tx = core_->tx;
  absl::Status& status = answer->status;
  tx.BeginClosure(careful_);
  if (answer->task.cancelled && answer->task.cancelled()) {
    status = Error(Reason::kCallCancelled, "the caller has left");
    return tx.EndClosure(false);
  }
  limit_.Begin(/*limited=*/!answer->task.own);
  try {
    status = answer->task.use_case(tx);
  } catch (const std::exception& thrown) {
    limit_.End();
    const Fault fault = FaultOf(thrown);
    status = fault.status;
    answer->over = fault.kind == FaultKind::kStopped;
    // SQLite ends the transaction by itself after some errors.
    const bool ended = sqlite3_get_autocommit(core_->db->handle()) != 0;
    if (fault.poisons() || (ended && !answer->over)) throw;
    options_.log("a use case failed in the store: " + fault.text);
    if (ended) core_->db->Run(sql::kBegin);
    if (answer->over) return false;
  }
  limit_.End();
  return tx.EndClosure(status.ok());
}

void Writer::Reply(Answers answers, std::optional<Committed> committed) {
  if (answers.empty()) return;
  std::stable_partition(answers.begin(), answers.end(),
                        [](const Answer& answer) { return answer.lone; });
  runners_.completions->Run([this, answers = std::move(answers),
                             committed = std::move(committed)]() mutable {
    // Before the answers: a caller who asks as soon as it has its answer finds
    // what it did counted.
    if (committed && options_.observer) options_.observer(*committed);
    for (Answer& answer : answers) {
      answer.task.done(std::move(answer.status));
      --unanswered_;
    }
  });
}

void Writer::RefuseAll() {
  absl::Status status = refusal_;
  if (absl::Status why = health_->condemned(); !why.ok()) {
    status = std::move(why);
  }
  Answers answers;
  while (auto turn = NextTurn()) {
    answers.push_back({std::move(turn->task), status});
    line_.End(*turn, {});
  }
  Reply(std::move(answers), std::nullopt);
  // A damaged store can still be read and copied; without a connection it
  // cannot.
  while (core_ == nullptr && !backups_.empty()) {
    backups_.front()->Refuse(status);
    backups_.pop_front();
  }
}

// A used-up quota, and a log index that cannot grow, have other error codes.
bool Writer::SaysDiskIsFull(const Fault& fault) const {
  if (ReasonOf(fault.status) == Reason::kDiskFull) return true;
  const int cause =
      core_ == nullptr ? 0 : sqlite3_system_errno(core_->db->handle());
  return cause == ENOSPC || cause == EDQUOT ||
         FreeBytes(options_.path) < kNothingFree;
}

void Writer::Poison(const Fault& fault) {
  options_.log("writes stop: " + fault.text);
  health_->SetProblem(fault.text);
  if (SaysDiskIsFull(fault) && ballast_.Release()) NoteShortage();
  refusal_ = fault.status;
  damaged_ = damaged_ || fault.kind == FaultKind::kDamaged;
  for (auto& backup : backups_) backup->Close();
  log_fold_.Close();
  gate_->Note(0, 0);
  core_.reset();
  retry_at_ = steady_clock::now() + absl::ToChronoNanoseconds(retry_delay_);
  retry_delay_ = std::min(2 * retry_delay_, options_.recovery_delay_max);
}

// Opens everything again: a connection that has seen an error may believe in
// pages that never reached the disk, and a second fsync of the same descriptor
// would succeed without having written them.
void Writer::Recover() {
  try {
    if (short_of_room_ && health_->condemned().ok()) FoldLogApart();
    auto core = std::make_unique<Core>(std::make_unique<Connection>(
        options_.path, Connection::Use::kWrite, options_.vfs));
    Probe(*core->db, damaged_);
    core_ = std::move(core);
    limit_.Watch(core_->db->handle());
  } catch (const std::exception& thrown) {
    const Fault fault = FaultOf(thrown);
    if (fault.kind == FaultKind::kDamaged) {
      health_->Condemn(Error(Reason::kStoreCorrupt, fault.text));
    }
    return Poison(fault);
  }
  // The probe has overwritten the pages that the failed commit had written.
  Settle(true);
  damaged_ = false;
  retry_delay_ = options_.recovery_delay_min;
  health_->SetProblem("");
  if (health_->condemned().ok()) options_.log("writes go on");
}

}  // namespace sheaf
