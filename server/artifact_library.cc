#include "server/artifact_library.h"

#include "base/status.h"

namespace sheaf::server {

void ArtifactLibrary::Run(Runner::Task task) {
  disk_[next_++ % disk_.size()].Run(std::move(task));
}

void ArtifactLibrary::Finish(std::unique_ptr<ArtifactStore::Upload> upload,
                             const std::string& expected_digest,
                             const std::string& media_type, Added added) {
  auto stored = upload->Finish(expected_digest, media_type);
  if (!stored.ok()) return added(stored.status());
  auto artifact = std::make_shared<Artifact>();
  artifact->digest = stored->digest;
  artifact->size = stored->size;
  artifact->media_type = stored->media_type;
  store_->Write(
      [artifact](Tx& tx) {
        // Uploading again makes it young again: what a client has just been
        // told is here must stay for a day.
        artifact->create_time = tx.now();
        tx.SaveArtifact(*artifact);
        return absl::OkStatus();
      },
      [artifact, added = std::move(added)](const absl::Status& status) {
        if (!status.ok()) return added(status);
        added(*artifact);
      });
}

absl::StatusOr<int> ArtifactLibrary::CollectGarbage(absl::Time created_by,
                                                    int limit) {
  std::vector<Artifact> gone;
  SHEAF_RETURN_IF_ERROR(WriteAndWait(*store_, [&](Tx& tx) {
    gone = tx.UnreferencedArtifacts(created_by, limit);
    for (const Artifact& artifact : gone) tx.DeleteArtifact(artifact.digest);
    return absl::OkStatus();
  }));
  for (const Artifact& artifact : gone) {
    // A file stored since then belongs to an upload that came between.
    SHEAF_RETURN_IF_ERROR(files_->Remove(artifact.digest, created_by));
  }
  return static_cast<int>(gone.size());
}

absl::StatusOr<int> ArtifactLibrary::SweepOrphans(absl::Time stored_before) {
  SHEAF_ASSIGN_OR_RETURN(const std::vector<std::string> digests,
                         files_->ListDigests());
  int removed = 0;
  for (const std::string& digest : digests) {
    bool known = true;
    SHEAF_RETURN_IF_ERROR(ReadAndWait(*store_, [&](View& view) {
      known = view.FindArtifact(digest).has_value();
      return absl::OkStatus();
    }));
    if (known) continue;
    SHEAF_RETURN_IF_ERROR(files_->Remove(digest, stored_before));
    ++removed;
  }
  return removed;
}

}  // namespace sheaf::server
