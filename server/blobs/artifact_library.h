// Artifacts as the rest of the server sees them: the bytes (ArtifactStore),
// the rows that know them, and the room they may take, kept in step.
//
// The order makes every crash harmless: a file is there before its row, and its
// row is gone before the file. A crash in between leaves a file that no row
// knows, which the sweep removes once it is old.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "queue/store.h"
#include "server/blobs/artifact_budget.h"
#include "server/blobs/artifact_store.h"
#include "server/blobs/disk_line.h"

namespace sheaf::server {

// Any thread.
class ArtifactLibrary {
 public:
  // Counts what is stored. Waits for the store. `budget` outlives the library.
  static absl::StatusOr<std::unique_ptr<ArtifactLibrary>> Open(
      std::unique_ptr<ArtifactStore> files, Store* store,
      ArtifactBudget* budget);

  // Runs `task` on a thread that may wait for the disk, in `caller`'s turn (""
  // is the server itself). Tasks of one caller may run side by side: a stream
  // gives its next task when the last has ended.
  void Run(const std::string& caller, DiskLine::Task task) {
    disk_.Run(caller, std::move(task));
  }
  void Run(DiskLine::Task task) { Run("", std::move(task)); }

  // Bytes on their way in, used by one thread at a time.
  class Upload {
   public:
    // As ArtifactStore::Upload::Append; ARTIFACTS_FULL where there is no room
    // even after unneeded artifacts have been removed.
    absl::Status Append(std::string_view bytes);

   private:
    friend class ArtifactLibrary;
    Upload(ArtifactLibrary* library,
           std::unique_ptr<ArtifactStore::Upload> file);

    ArtifactLibrary* const library_;
    std::unique_ptr<ArtifactStore::Upload> file_;
    ArtifactBudget::Share share_;
  };
  // ARTIFACTS_FULL, and the errors of ArtifactStore.
  absl::StatusOr<std::unique_ptr<Upload>> BeginUpload();

  // Gives the upload its name and its row, in the turn of `call`. Calls `added`
  // once both are durable, or with the error.
  using Added = std::function<void(absl::StatusOr<Artifact>)>;
  void Finish(std::unique_ptr<Upload> upload,
              const std::string& expected_digest, const std::string& media_type,
              Added added, CallOptions call);

  absl::StatusOr<std::unique_ptr<ArtifactStore::Reader>> OpenReader(
      const std::string& digest) {
    return files_->OpenReader(digest);
  }

  // Removes up to `limit` artifacts that nothing refers to and that were
  // uploaded before `created_by`: row first, then file. Answers how many it
  // removed. Waits for the store.
  absl::StatusOr<int> CollectGarbage(absl::Time created_by, int limit);
  // Removes files without a row that are older than `stored_before`: looks at
  // about `files_max` of all files, and goes on from there the next time.
  // Waits. One call at a time.
  absl::StatusOr<int> SweepOrphans(absl::Time stored_before,
                                   int files_max = 20'000);

 private:
  ArtifactLibrary(std::unique_ptr<ArtifactStore> files, Store* store,
                  ArtifactBudget* budget)
      : files_(std::move(files)), store_(store), budget_(budget) {}

  // Between the two calls, an upload's file has its name but its row is not
  // stored yet. The file counts as new whatever its time says: that comes from
  // the machine's clock, not from the server's.
  void BeginNaming(const std::string& digest);
  void EndNaming(const std::string& digest);
  absl::Status RemoveFile(const std::string& digest, absl::Time stored_before);

  // `created_by` computes the time limit from the store's time.
  absl::StatusOr<int> Collect(
      const std::function<absl::Time(absl::Time now)>& created_by, int limit);
  // Removes the oldest artifacts that nothing needs and that are not new. Does
  // nothing for a while after it found none.
  void MakeRoom();

  const std::unique_ptr<ArtifactStore> files_;
  Store* const store_;
  ArtifactBudget* const budget_;
  absl::Mutex naming_;
  std::multiset<std::string> being_named_ ABSL_GUARDED_BY(naming_);
  absl::Mutex room_;  // held while making room
  absl::Duration next_room_ ABSL_GUARDED_BY(room_);
  int next_folder_ = 0;  // of SweepOrphans
  DiskLine disk_{2};     // last: its tasks use the rest
};

}  // namespace sheaf::server
