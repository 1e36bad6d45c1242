// Folds the log into the database while the writer goes on writing.
//
// A checkpoint in the writer's own thread keeps all writes waiting: under a
// flood a quarter of the time. This one leaves to the writer what was written
// meanwhile, which is little.
//
// SQLite before 3.51.3 can lose pages where a checkpoint begins while another
// connection begins the log anew. Here none does: a reader of the fold's own
// holds on to the log until all that was folded in is on the disk. Where all of
// the log is folded in already it holds on to nothing, and nothing is written.
//
// It does not sync the log, as each commit has. The sync of a log that the
// writer is writing to might be the one that fails, and take with it what the
// writer's own then says is there.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <string>

#include "base/runner.h"
#include "queue/sqlite/connection.h"
#include "queue/sqlite/health.h"

namespace sheaf {

// A PASSIVE or TRUNCATE checkpoint. Readers that are in the way are no fault:
// then it folds in what they allow. Whether all of the log is folded in, and
// with TRUNCATE gone.
bool Checkpoint(Connection& db, int mode);

// Makes durable what a checkpoint has folded in that did not come to the end of
// the log: SQLite does not. Where that fails the database may lack pages that
// SQLite takes for folded in, for as long as this process lives: it is
// distrusted, and an exception thrown.
void SyncFolded(Connection& db, HealthBoard* health);

// All by the writer's thread.
class LogFold {
 public:
  LogFold(std::string path, std::string vfs, HealthBoard* health)
      : path_(std::move(path)), vfs_(std::move(vfs)), health_(health) {}

  // Folds in what the log holds now. Not while one is under way.
  void Begin();
  bool is_under_way() const { return under_way_; }
  void Wait() const { under_way_.wait(true); }
  // Whether the last one could be begun. Throws what it met, if it failed.
  bool Check();
  // Waits for the one under way, if there is one, and forgets how it went.
  void Close();

 private:
  bool Hold();
  void Run();

  const std::string path_;
  const std::string vfs_;
  HealthBoard* const health_;
  std::atomic<bool> under_way_ = false;
  // The thread's own while one is under way, else the writer's.
  std::unique_ptr<Connection> holder_;
  std::unique_ptr<Connection> folder_;
  std::exception_ptr failure_;
  bool begun_ = true;
  bool unsafe_ = false;  // what was folded in may be lost: the log is needed
  Runner thread_;        // last: it uses the rest
};

}  // namespace sheaf
