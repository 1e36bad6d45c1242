// The store on SQLite: one directory, one process, one thread that writes.
//
// The directory holds sheaf.db (with its -wal and -shm), sheaf.lock, sheaf.mark
// (log_mark.h) and sheaf.ballast (ballast.h). All
// methods may be called from any thread. Answers to writes run in order on one
// thread of the store, answers to reads on the threads that read, refusals on
// a thread of their own; none may wait for the store.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/runner.h"
#include "queue/durable_store.h"
#include "queue/sqlite/disk/lock_file.h"
#include "queue/sqlite/health.h"
#include "queue/sqlite/reader_pool.h"
#include "queue/sqlite/writer.h"

namespace sheaf {

class SqliteStore final : public DurableStore {
 public:
  struct Options {
    std::string directory;  // made if it is not there
    std::function<absl::Time()> clock = [] { return absl::Now(); };
    // Called after each commit that changed something, before the answers to
    // its writes, on their thread.
    std::function<void(const Committed&)> observer;
    // Lines for the log: faults, and what became of them.
    std::function<void(const std::string&)> log = [](const std::string&) {};
    // Called when the disk has lost pages that SQLite believes it has. Until
    // the process has started again nothing is written, and no read can be
    // relied on. Any thread; may end the process.
    std::function<void(const std::string&)> on_distrust;
    int reader_threads = 2;  // for short reads
    int scan_threads = 2;    // for long ones; one of a group at a time
    int group_max = 512;
    int writes_max = 65'536;
    int reads_max = 4096;  // waiting, of each length
    // A file below this size is checked before the store opens. A larger one is
    // checked afterwards, beside the work, if `background_check` is set.
    int64_t boot_check_bytes_max = 64 << 20;
    bool background_check = true;
    absl::Duration recovery_delay_min = absl::Milliseconds(50);
    // A failed commit is settled within this, or answered OUTCOME_UNKNOWN.
    absl::Duration unknown_max = absl::Seconds(5);
    absl::Duration closure_time_max = absl::Seconds(5);
    int checkpoint_pages = 0;    // 0: as it is best
    int log_pages_max = 65'536;  // above this reads wait until it is short
    int64_t ballast_bytes = 0;   // 0: none
    absl::Duration read_time_max = absl::Seconds(10);
    std::string vfs;  // name of an SQLite VFS; empty: the default
  };

  // Opens the directory's database, or makes one. DATABASE_LOCKED,
  // SCHEMA_NEWER, SCHEMA_ALTERED, STORE_CORRUPT, STORE_UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(Options options);

  // Runs what waits, then closes.
  ~SqliteStore() override;

  StoreHealth Health() const override { return health_.Get(); }
  StoreInfo Info() const override;
  absl::Status CheckBackupName(const std::string& name) const override;
  void Backup(BackupOrder order, BackupDone done) override;
  int SweepBackups(const std::string& folder) const override;
  void CheckIntegrity(bool full, std::function<bool()> cancelled,
                      CheckDone done) override;

 private:
  struct Opened {
    std::unique_ptr<Connection> db;
    std::unique_ptr<Connection> keeper;
    LogMark mark;
  };
  static absl::StatusOr<Opened> OpenDatabase(const Options& options,
                                             const std::string& path);
  SqliteStore(Options options, LockFile lock, Opened opened);
  void StartWrite(WriteCase use_case, Done done, CallOptions options) override;
  void StartRead(ReadCase use_case, Done done, CallOptions options) override;
  void CheckInBackground();
  // Runs `look` on a connection of its own and the thread of checks.
  void Check(std::function<std::vector<std::string>(Connection&)> look,
             std::function<bool()> cancelled, CheckDone done);
  void NoteBootCheck(const absl::StatusOr<std::vector<std::string>>& problems);

  const Options options_;
  const std::string path_;
  LockFile lock_;
  // Never used, always open: as long as any connection is open, the index of
  // the WAL stays in memory. Otherwise the writer that reopens after a failed
  // commit would replay the log, find that commit whole, and revive writes that
  // were refused.
  std::unique_ptr<Connection> keeper_;
  HealthBoard health_;
  LogGate gate_;
  Runner refusals_;
  Runner completions_;
  Runner background_;
  Runner checking_;
  std::atomic<int> checks_ = 0;  // of clients, that wait or are under way
  std::atomic<bool> closing_ = false;
  Writer writer_;
  ReaderPool readers_;
  ReaderPool scans_;
};

// sheaf.db in `directory`.
std::string DatabasePath(const std::string& directory);
std::string LockPath(const std::string& directory);

}  // namespace sheaf
