// Keeps how far running runs have got, so that another worker can go on from
// there. Each run has one file, DIR/checkpoints/JOB-INDEX: a header in one
// line, and the bytes that the worker's engine made.
//
// All of this may be lost at any moment: the run then starts from the
// beginning. So no file is synced. A file torn by a crash fails the checksum in
// its header, counts as none and is removed.
//
// Owned by the server, outlives its readers. Any thread; Save, OpenReader,
// Remove and a reader's Read wait for the disk, the rest never does.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "queue/error.h"
#include "queue/types.h"

namespace sheaf::server {

// The digest of a run's request: a checkpoint is good only for a run with the
// same request.
std::string RequestDigest(const RunParams& params);

struct Checkpoint {
  RunId run;
  int64_t epoch = 0;  // of the lease it was made under
  int step = 0;
  std::string request;  // RequestDigest
  std::string bytes;
};

class CheckpointStore {
 public:
  struct Options {
    int64_t bytes_max = int64_t{64} << 20;  // of one
    int64_t total_max = int64_t{2} << 30;   // of all files
    std::string key = {};  // seals the files: those of another count as none
  };

  // Makes the directory, and reads the headers of the files in it. Removes
  // files that are not ours, and those that are torn or half written.
  static absl::StatusOr<std::unique_ptr<CheckpointStore>> Open(
      const std::string& directory, const Options& options);

  const Options& options() const { return options_; }

  // Replaces the run's kept checkpoint. Changes nothing, and is OK, where the
  // kept one has a later epoch, or the same epoch and no earlier step.
  // INVALID_FIELD for more than bytes_max, OVERLOADED where all files together
  // would be more than total_max, DISK_FULL, STORE_UNAVAILABLE: then the old
  // one stays.
  absl::Status Save(const Checkpoint& checkpoint);

  // The step of the checkpoint that OpenReader would read; 0: none. Does not
  // look at the bytes.
  int StepOf(RunId run, const std::string& request) const;
  // CHECKPOINT_NOT_FOUND where there is none, or none for this request; a
  // useless file is removed then.
  class Reader;
  absl::StatusOr<std::unique_ptr<Reader>> OpenReader(
      RunId run, const std::string& request);

  void Remove(RunId run);
  bool Has(RunId run) const;
  // The runs that have a checkpoint, in order.
  std::vector<RunId> Runs() const;

 private:
  struct Known {
    int64_t epoch = 0;
    int step = 0;
    std::string request;
    int64_t size = 0;  // of the file
  };

  CheckpointStore(std::string root, const Options& options);
  absl::Status Learn();
  std::string PathOf(RunId run) const;
  // Whether the checkpoint should be written at all.
  absl::StatusOr<bool> IsWanted(const Checkpoint& checkpoint,
                                int64_t size) const;
  void Forget(RunId run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_);
  // Removes a checkpoint whose bytes are damaged, unless another one has
  // replaced it. Returns CHECKPOINT_NOT_FOUND.
  absl::Status Damaged(const Checkpoint& checkpoint);
  void LogRefusal(const Checkpoint& checkpoint, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_);

  const std::string root_;
  const Options options_;
  // Held while files are changed, and while a reader is made.
  absl::Mutex files_;
  absl::Time next_refusal_log_ ABSL_GUARDED_BY(files_) = absl::InfinitePast();
  // Held for moments only. Where both are held, files_ is locked first.
  mutable absl::Mutex mutex_;
  std::map<RunId, Known> known_ ABSL_GUARDED_BY(mutex_);
  int64_t total_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A checkpoint that is being read. One thread at a time; holds no file open
// between two reads.
class CheckpointStore::Reader {
 public:
  // The checkpoint without its bytes.
  const Checkpoint& checkpoint() const { return checkpoint_; }
  int64_t size() const { return size_; }

  // The next bytes, at most `count` (> 0); empty at the end.
  // CHECKPOINT_NOT_FOUND instead of the last ones where they are damaged, and
  // where another has taken this one's place meanwhile.
  absl::StatusOr<std::string> Read(size_t count);

 private:
  friend class CheckpointStore;
  Reader(CheckpointStore* store, Checkpoint checkpoint, std::string header,
         std::string digest, int64_t size);
  absl::StatusOr<std::string> ReadPiece(size_t count);

  CheckpointStore* const store_;
  const Checkpoint checkpoint_;
  const std::string header_;  // as it stands in the file
  const std::string digest_;  // as the header says
  const int64_t size_;
  int64_t offset_ = 0;    // within the bytes
  bool checked_ = false;  // all bytes are read, and undamaged
  absl::Status status_;
  Sha256 sha_;
};

}  // namespace sheaf::server
