// The writer's work between groups: checkpoints, backups, and looking for room
// on a disk that was full.
#include <algorithm>

#include "base/crash_point.h"
#include "queue/error.h"
#include "queue/sqlite/writer.h"

namespace sheaf {
namespace {

using std::chrono::steady_clock;

// Beyond so many times the pages between two checkpoints the WAL is cut back
// even if it means waiting for readers.
constexpr int kTruncateFactor = 4;
constexpr int kShorterWhereFull = 16;
constexpr int kCheckpointBusyMilliseconds = 100;

}  // namespace

// After a PASSIVE checkpoint the next commit starts the WAL anew, unless a
// reader still needs it; TRUNCATE waits for such readers, but not long.
void Writer::Maintain(bool idle) {
  if (short_of_room_) FindRoom();
  try {
    const int pages = core_->wal_pages;
    if (pages < core_->checkpointed_at) core_->checkpointed_at = 0;
    // On a full disk the log gives back what it takes, and stays short.
    const int most = short_of_room_
                         ? options_.checkpoint_pages / kShorterWhereFull
                         : options_.checkpoint_pages;
    if (pages - core_->checkpointed_at >= most) {
      Checkpoint(pages > kTruncateFactor * most || short_of_room_
                     ? SQLITE_CHECKPOINT_TRUNCATE
                     : SQLITE_CHECKPOINT_PASSIVE);
    } else if (idle && pages > 0 && backups_.empty()) {
      Checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    }
    StepBackup();
  } catch (const std::exception& thrown) {
    Poison(FaultOf(thrown));
  }
}

// By a connection of its own: should there be too little room even for this,
// the writer's stays good.
void Writer::FoldLog() {
  try {
    Connection db(options_.path, Connection::Use::kWrite, options_.vfs);
    db.SetBusyTimeout(kCheckpointBusyMilliseconds);
    db.Number("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const std::exception& thrown) {
    options_.log("the log could not be folded in: " + FaultOf(thrown).text);
  }
}

void Writer::NoteShortage() {
  short_of_room_ = true;
  health_->SetShortage(kOnlyToMakeRoom);
  options_.log(kOnlyToMakeRoom);
}

void Writer::FindRoom() {
  if (steady_clock::now() < next_look_for_room_) return;
  next_look_for_room_ = steady_clock::now() + kLookForRoom;
  if (!ballast_.Keep()) return;
  short_of_room_ = false;
  health_->SetShortage("");
  options_.log("there is room again: all writes are taken");
}

void Writer::Checkpoint(int mode) {
  Connection& db = *core_->db;
  db.SetBusyTimeout(kCheckpointBusyMilliseconds);
  int code = SQLITE_OK;
  {
    const crash_point::During during("mid-checkpoint");
    code =
        sqlite3_wal_checkpoint_v2(db.handle(), "main", mode, nullptr, nullptr);
  }
  // Readers that are in the way are no fault: there will be another time.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
    throw SQLite::Exception(db.handle(), code);
  }
  db.SetBusyTimeout(kBusyMilliseconds);
  core_->checkpointed_at = core_->wal_pages;
  if (code == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE) {
    core_->wal_pages = core_->checkpointed_at = 0;
  }
}

void Writer::StepBackup() {
  if (backups_.empty() || publishing_) return;
  if (!backups_.front()->Step(*core_->db)) return;
  std::shared_ptr<BackupCopy> copy = std::move(backups_.front());
  backups_.pop_front();
  publishing_ = true;
  runners_.background->Run([this, copy] {
    const absl::StatusOr<BackupInfo> info =
        copy->status().ok() ? copy->Publish() : copy->status();
    publishing_ = false;
    copy->TakeDone()(info);
  });
}

}  // namespace sheaf
