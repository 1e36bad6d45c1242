// Artifacts as the rest of the server sees them: the bytes (ArtifactStore) and
// the rows that know them, kept in step.
//
// The order makes every crash harmless: a file is there before its row, and
// its row is gone before the file. What a crash leaves between is a file that
// no row knows, which the sweep removes once it is old.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "queue/sqlite/runner.h"
#include "queue/store.h"
#include "server/artifact_store.h"

namespace sheaf::server {

// Any thread.
class ArtifactLibrary {
 public:
  ArtifactLibrary(std::unique_ptr<ArtifactStore> files, Store* store)
      : files_(std::move(files)), store_(store) {}

  // Runs `task` on a thread that may wait for the disk; gRPC's may not. Tasks
  // run side by side: the next of a stream is given when the last has ended.
  void Run(Runner::Task task);

  using Added = std::function<void(absl::StatusOr<Artifact>)>;

  absl::StatusOr<std::unique_ptr<ArtifactStore::Upload>> BeginUpload() {
    return files_->BeginUpload();
  }
  // Gives the upload its name and its row; `added` once both are durable.
  void Finish(std::unique_ptr<ArtifactStore::Upload> upload,
              const std::string& expected_digest, const std::string& media_type,
              Added added);

  absl::StatusOr<std::unique_ptr<ArtifactStore::Reader>> OpenReader(
      const std::string& digest) {
    return files_->OpenReader(digest);
  }

  // Removes some of what nothing refers to and was uploaded before
  // `created_by`: row first, then file. Answers how many. Waits for the store.
  absl::StatusOr<int> CollectGarbage(absl::Time created_by, int limit);
  // Removes files without a row that are older than `stored_before`. Waits.
  absl::StatusOr<int> SweepOrphans(absl::Time stored_before);

 private:
  const std::unique_ptr<ArtifactStore> files_;
  Store* const store_;
  std::atomic<unsigned> next_ = 0;
  std::array<Runner, 2> disk_;  // last: its tasks use the rest
};

}  // namespace sheaf::server
