// The one thread that writes.
//
// It takes the closures that wait, runs them within one transaction, commits
// once, and hands their answers to another thread, so that it can go on at
// once. A group ends early for the sake of callers that ask seldom. The writer
// has the log folded into the database beside it, and copies pages for backups
// between groups. When the disk fails it closes its connection, refuses writes,
// and tries again with growing delays; readers go on meanwhile.
//
// A commit that fails may have reached the disk whole. If the process were
// killed now, the next start would find it. So its group is answered only after
// the next commit has overwritten it, or after `unknown_max` as
// OUTCOME_UNKNOWN.
//
// When the disk is full, the ballast goes, and until it is back only calls that
// make room are taken.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/runner.h"
#include "queue/sqlite/backup.h"
#include "queue/sqlite/closure_limit.h"
#include "queue/sqlite/disk/ballast.h"
#include "queue/sqlite/disk/log_mark.h"
#include "queue/sqlite/fault.h"
#include "queue/sqlite/health.h"
#include "queue/sqlite/lines/call_line.h"
#include "queue/sqlite/log_fold.h"
#include "queue/sqlite/log_gate.h"
#include "queue/sqlite/sqlite_tx.h"

namespace sheaf {

class Writer {
 public:
  struct Options {
    std::string path;
    std::string vfs;
    int group_max = 512;
    absl::Duration group_time_max = absl::Milliseconds(20);
    int writes_max = 65'536;  // waiting, and as many not yet answered
    absl::Duration recovery_delay_min = absl::Milliseconds(50);
    absl::Duration recovery_delay_max = absl::Seconds(5);
    absl::Duration unknown_max = absl::Seconds(5);
    // The writer's own processor time for a client's call. A call that takes
    // longer is ended, changes nothing, and is refused.
    absl::Duration closure_time_max = absl::Seconds(5);
    int checkpoint_pages = 0;    // 0: as it is best
    int log_pages_max = 65'536;  // 256 MiB; then reads wait (log_gate.h)
    int64_t ballast_bytes = 0;
    std::function<absl::Time()> clock;
    std::function<void(const Committed&)> observer;
    std::function<void(const std::string&)> log;
  };

  // The threads beside the writer's own, which outlive it.
  struct Runners {
    Runner* completions;  // answers and observers
    Runner* refusals;     // of calls that never came to the writer
    Runner* background;   // checks of backups
  };

  // Takes over `db`, migrated and checked.
  Writer(Options options, std::unique_ptr<Connection> db, LogMark mark,
         HealthBoard* health, LogGate* gate, const Runners& runners);
  ~Writer() { Stop(); }
  // Runs the closures that wait, folds the WAL into the database, and ends the
  // thread. Later writes are refused.
  void Stop();

  // Any thread.
  void Write(Store::WriteCase use_case, Store::Done done, CallOptions options);
  void Backup(BackupOrder order, BackupCopy::Done done);
  // The time now, but not before the time of any group so far.
  absl::Time Now();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  struct Task {
    Store::WriteCase use_case;
    Store::Done done;
    std::function<bool()> cancelled;  // may be empty
    bool own = false;
    std::unique_ptr<BackupCopy> backup;  // instead of those above
  };
  using Line = CallLine<Task>;
  // The connection, and everything that is known only as long as it is good.
  struct Core {
    explicit Core(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> db;
    SqliteTx tx;
    int wal_pages = 0;     // after the last commit
    int folded_pages = 0;  // the same, at the last fold of the log
    int folds = 0;         // in a row, each of what the last one left
  };
  // A closure of the group under way, or whose answer is due.
  struct Answer {
    Task task;
    absl::Status status;
    bool over = false;  // not to be run again: it took too long
    bool lone = false;  // goes first (CallerTurns)
  };
  using Answers = std::vector<Answer>;

  static constexpr std::chrono::seconds kLookForRoom{1};
  static constexpr char kOnlyToMakeRoom[] =
      "the disk is full: until there is room again, only calls are taken that "
      "make some (deletes, cancels, settings of queues) and reports of workers";

  void Loop();
  SteadyTime::duration NextWake() const;
  // Runs some of the waiting closures and commits.
  bool RunGroup();
  bool RunClosures(Answers* answers);
  // Runs the last of `answers`; all of them again, with more care, where it
  // fails in a way that cannot be undone by itself.
  void RunLast(Answers* answers);
  bool RunOne(Answer* answer);
  // The next waiting closure, if there is one at once; after one that has
  // `ended`, if that is not null.
  std::optional<Line::Turn> NextTurn(const Line::Turn* ended = nullptr,
                                     SteadyTime::duration spent = {});
  void Refuse(Line::Refused refused);
  void Refuse(Task task, absl::Status status);
  void Reply(Answers answers, std::optional<Committed> committed);
  void RefuseAll();

  void Poison(const Fault& fault);
  bool SaysDiskIsFull(const Fault& fault) const;
  void Recover();
  // Keeps the answers of a commit that failed until it is settled.
  void Hold(Answers answers);
  // Answers them: nothing happened (`known`), or nobody knows whether it did.
  void Settle(bool known);
  // Notes that the ballast is gone; makes it again once there is room.
  void NoteShortage();
  void FindRoom();
  void FoldLogApart();

  // Between groups.
  void Maintain(bool idle);
  void NoteLogLength();
  // The pages that the log takes on between two folds.
  int FoldEvery() const;
  void KeepLogShort(bool idle);
  void FoldLog(int mode);
  void StepBackup();

  const Options options_;
  HealthBoard* const health_;
  LogGate* const gate_;
  const Runners runners_;
  std::atomic<bool> short_of_room_ = false;  // the ballast is gone
  std::atomic<int> unanswered_ = 0;          // taken from the line
  std::atomic<int64_t> latest_ms_ = 0;       // of groups so far
  Line line_;

  // The writer's thread only.
  std::deque<std::unique_ptr<BackupCopy>> backups_;
  std::unique_ptr<Core> core_;  // null while poisoned
  ClosureLimit limit_;
  LogFold log_fold_;
  LogMark mark_;
  Ballast ballast_;
  SteadyTime next_look_for_room_;
  SteadyTime next_cut_;  // of the log, where it is too long
  Answers held_;
  SteadyTime held_until_;
  SteadyTime lone_at_;  // when somebody who asks seldom was last here
  SteadyTime::duration commit_time_{};    // of the last group
  std::atomic<bool> publishing_ = false;  // a backup is being checked
  bool careful_ = false;                  // the group's closures get savepoints
  absl::Status refusal_;                  // for callers, while core_ is null
  SteadyTime retry_at_;
  absl::Duration retry_delay_;
  bool damaged_ = false;

  std::thread thread_;
};

}  // namespace sheaf
