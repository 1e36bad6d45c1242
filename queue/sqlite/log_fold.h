// Folds the log into the database while the writer goes on writing.
//
// A checkpoint in the writer's own thread keeps all writes waiting: under a
// flood a quarter of the time. This fold leaves to the writer the pages that
// were written meanwhile, which are few.
//
// SQLite before 3.51.3 can lose pages where a checkpoint begins while another
// connection restarts the log. Here no connection does so: a reader of the
// fold's own holds on to the log until all folded pages are on the disk. Where
// all of the log is folded in already, the reader holds on to nothing, and
// nothing is written.
//
// The fold does not sync the log, since each commit has done so. The fold's
// sync of a log to which the writer is writing might be the one that fails. The
// writer's own sync would then succeed, though pages are lost.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <string>

#include "base/runner.h"
#include "queue/sqlite/connection.h"
#include "queue/sqlite/health.h"

namespace sheaf {

// Makes a PASSIVE or TRUNCATE checkpoint. Readers that are in the way are no
// fault: then it folds in the part that they allow. Answers whether all of the
// log is folded in and, with TRUNCATE, gone.
bool Checkpoint(Connection& db, int mode);

// Makes durable the pages of a checkpoint that did not come to the end of the
// log, since SQLite does not. Where that fails, the database may lack pages
// that SQLite takes for folded in, for as long as this process lives. Then the
// database is distrusted, and an exception thrown.
void SyncFolded(Connection& db, HealthBoard* health);

// All methods are called by the writer's thread.
class LogFold {
 public:
  LogFold(std::string path, std::string vfs, HealthBoard* health)
      : path_(std::move(path)), vfs_(std::move(vfs)), health_(health) {}

  // Folds in what the log holds now. Not while one is under way.
  void Begin();
  bool is_under_way() const { return under_way_; }
  void Wait() const { under_way_.wait(true); }
  // Whether the last fold could be begun. Throws its exception if it failed.
  bool Check();
  // Waits for the fold under way, if there is one, and forgets how it went.
  void Close();

 private:
  bool Hold();
  void Run();

  const std::string path_;
  const std::string vfs_;
  HealthBoard* const health_;
  std::atomic<bool> under_way_ = false;
  // The thread's own while a fold is under way, otherwise the writer's.
  std::unique_ptr<Connection> holder_;
  std::unique_ptr<Connection> folder_;
  std::exception_ptr failure_;
  bool begun_ = true;
  bool unsafe_ = false;  // folded pages may be lost: the log is needed
  Runner thread_;        // last: it uses the rest
};

}  // namespace sheaf
