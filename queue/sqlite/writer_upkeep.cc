// The writer's work between groups: folding the log, backups, and looking for
// room on a disk that was full.
#include <algorithm>

#include "base/files.h"
#include "queue/error.h"
#include "queue/sqlite/writer.h"

namespace sheaf {
namespace {

using std::chrono::steady_clock;

// A log of more than so many times the pages between two folds is cut back,
// even if all writes must wait for that, and for readers.
constexpr int kTruncateFactor = 4;
constexpr int kShorterWhereFull = 16;
// Another fold follows a fold, for the pages written meanwhile, until these are
// no more than kRestPages or kFoldsInARow folds were made. The writer folds in
// the rest.
constexpr int kRestPages = 64;
constexpr auto kCutAgainAfter = std::chrono::milliseconds(250);
constexpr int kFoldsInARow = 3;

}  // namespace

void Writer::Maintain(bool idle) {
  if (short_of_room_) FindRoom();
  try {
    const bool may_fold = health_->condemned().ok();
    // Beside a fold that takes long, writes go on only for so long.
    if (may_fold && core_->wal_pages > kTruncateFactor * FoldEvery()) {
      log_fold_.Wait();
    }
    if (may_fold && !log_fold_.is_under_way()) KeepLogShort(idle);
    may_fold ? NoteLogLength() : gate_->Note(0, 0);
    StepBackup();
  } catch (const std::exception& thrown) {
    Poison(FaultOf(thrown));
  }
}

// On a full disk a short log is worth more than reads that need not wait. On
// any disk the log takes at most half of the room that is left.
void Writer::NoteLogLength() {
  constexpr int64_t kPageBytes = 4096;
  const int64_t pages = core_->wal_pages;
  int64_t most =
      short_of_room_ ? options_.checkpoint_pages : options_.log_pages_max;
  if (pages > most / 8) {
    const int64_t room = FreeBytes(options_.path) / kPageBytes;
    most = std::min(most, (pages + room) / 2);
  }
  gate_->Note(static_cast<int>(pages), static_cast<int>(most));
  health_->SetLongLog(gate_->gave_up());
}

// On a full disk the log gives back what it takes, and stays short.
int Writer::FoldEvery() const {
  return short_of_room_ ? options_.checkpoint_pages / kShorterWhereFull
                        : options_.checkpoint_pages;
}

// Once all is folded in, the next commit starts the log over, unless a reader
// still needs it; TRUNCATE waits for such readers, but not long.
void Writer::KeepLogShort(bool idle) {
  if (!log_fold_.Check()) return FoldLog(SQLITE_CHECKPOINT_PASSIVE);
  const int pages = core_->wal_pages;
  if (pages < core_->folded_pages) core_->folded_pages = 0;
  const int rest = pages - core_->folded_pages;
  const int most = FoldEvery();
  const bool has_much = rest >= most;
  // Reads come to their end one by one while the gate is closed.
  const bool may_cut = gate_->is_closed() && steady_clock::now() >= next_cut_;
  if (may_cut ||
      (has_much && (short_of_room_ || pages > kTruncateFactor * most)) ||
      (idle && pages > 0 && backups_.empty())) {
    next_cut_ = steady_clock::now() + kCutAgainAfter;
    FoldLog(SQLITE_CHECKPOINT_TRUNCATE);
  } else if (has_much || (core_->folds > 0 && core_->folds < kFoldsInARow &&
                          rest > kRestPages)) {
    ++core_->folds;
    core_->folded_pages = pages;
    log_fold_.Begin();
  } else if (core_->folds > 0) {
    FoldLog(SQLITE_CHECKPOINT_PASSIVE);
  }
}

void Writer::FoldLog(int mode) {
  const bool all = Checkpoint(*core_->db, mode);
  if (!all) SyncFolded(*core_->db, health_);
  if (all && mode == SQLITE_CHECKPOINT_TRUNCATE) core_->wal_pages = 0;
  core_->folded_pages = core_->wal_pages;
  core_->folds = 0;
}

// Uses a connection of its own, so that the writer's stays good if there is too
// little room even for this.
void Writer::FoldLogApart() {
  try {
    Connection db(options_.path, Connection::Use::kWrite, options_.vfs);
    if (!Checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE)) SyncFolded(db, health_);
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
  options_.log("the disk has room again: the server takes all writes");
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
