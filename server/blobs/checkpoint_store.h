// Where running runs have got to, so that another worker can go on from there:
// one file for each run, DIR/checkpoints/JOB-INDEX, of a header in one line and
// the bytes that the worker's engine made.
//
// All of this may be lost at any moment: the run then starts from the
// beginning. So no file is synced, and what a crash has torn fails the checksum
// in its header, counts as none and is removed.
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

// Of what a run asks for: a checkpoint is good for a run that asks for the very
// same.
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

  // Makes the directory, and learns what is in it by the headers. Files that
  // are none of ours, torn or half written are removed.
  static absl::StatusOr<std::unique_ptr<CheckpointStore>> Open(
      const std::string& directory, const Options& options);

  const Options& options() const { return options_; }

  // In place of what was kept of the run. Changes nothing, and is OK, where
  // that is of a later epoch, or of the same one and no earlier a step.
  // INVALID_FIELD for more than bytes_max, OVERLOADED where all of them would
  // be more than total_max, DISK_FULL, STORE_UNAVAILABLE: the old one stays.
  absl::Status Save(const Checkpoint& checkpoint);

  // The step that Load would answer for; 0: none. Does not look at the bytes.
  int StepOf(RunId run, const std::string& request) const;
  // CHECKPOINT_NOT_FOUND where there is none, or none for this request; a file
  // that is of no use is removed then.
  class Reader;
  absl::StatusOr<std::unique_ptr<Reader>> OpenReader(
      RunId run, const std::string& request);

  void Remove(RunId run);
  bool Has(RunId run) const;
  // All that are kept, in order.
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
  // Whether it is to be written at all.
  absl::StatusOr<bool> IsWanted(const Checkpoint& checkpoint,
                                int64_t size) const;
  void Forget(RunId run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_);
  // Its bytes are not what they were. It goes, unless another has its place.
  absl::Status Damaged(const Checkpoint& checkpoint);
  void LogRefusal(const Checkpoint& checkpoint, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_);

  const std::string root_;
  const Options options_;
  // Held while files change, and by who waits for them.
  absl::Mutex files_;
  absl::Time next_refusal_log_ ABSL_GUARDED_BY(files_) = absl::InfinitePast();
  // Held for moments. Inside of files_ where both are.
  mutable absl::Mutex mutex_;
  std::map<RunId, Known> known_ ABSL_GUARDED_BY(mutex_);
  int64_t total_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A checkpoint on its way out. One thread at a time; holds no file open between
// two reads.
class CheckpointStore::Reader {
 public:
  // All but its bytes.
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
  bool checked_ = false;  // all are read, and as they were
  absl::Status status_;
  Sha256 sha_;
};

}  // namespace sheaf::server
