#include "server/blobs/artifact_library.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status.h"
#include "server/admission/stream_slots.h"

namespace sheaf::server {
namespace {

// A job or a report is about to name an artifact uploaded this lately, so it
// stays even where room is short.
constexpr absl::Duration kNew = absl::Minutes(10);
constexpr int kRoomStep = 200;
// Pause after a look for room that found none.
constexpr absl::Duration kRoomPause = absl::Seconds(2);
// Rows that one read of the sweep looks up.
constexpr size_t kSweepStep = 200;

}  // namespace

absl::StatusOr<std::unique_ptr<ArtifactLibrary>> ArtifactLibrary::Open(
    std::unique_ptr<ArtifactStore> files, Store* store,
    ArtifactBudget* budget) {
  StoreCounts counts;
  SHEAF_RETURN_IF_ERROR(ReadAndWait(*store, [&](View& view) {
    counts = view.Counts();
    return absl::OkStatus();
  }));
  budget->Add(counts.artifacts, counts.artifact_bytes);
  return std::unique_ptr<ArtifactLibrary>(
      new ArtifactLibrary(std::move(files), store, budget));
}

ArtifactLibrary::Upload::Upload(ArtifactLibrary* library,
                                std::unique_ptr<ArtifactStore::Upload> file)
    : library_(library), file_(std::move(file)), share_(library->budget_) {}

absl::StatusOr<std::unique_ptr<ArtifactLibrary::Upload>>
ArtifactLibrary::BeginUpload() {
  SHEAF_ASSIGN_OR_RETURN(auto file, files_->BeginUpload());
  std::unique_ptr<Upload> upload(new Upload(this, std::move(file)));
  absl::Status room = upload->share_.Grow(ArtifactBudget::kEach);
  if (!room.ok()) {
    MakeRoom();
    SHEAF_RETURN_IF_ERROR(upload->share_.Grow(ArtifactBudget::kEach));
  }
  return upload;
}

absl::Status ArtifactLibrary::Upload::Append(std::string_view bytes) {
  const auto count = static_cast<int64_t>(bytes.size());
  if (!share_.Grow(count).ok()) {
    library_->MakeRoom();
    SHEAF_RETURN_IF_ERROR(share_.Grow(count));
  }
  return file_->Append(bytes);
}

void ArtifactLibrary::Finish(std::unique_ptr<Upload> upload,
                             const std::string& expected_digest,
                             const std::string& media_type, Added added,
                             CallOptions call) {
  // The file's digest is known only with its last byte, and it gets its name
  // then.
  std::string named;
  auto stored = upload->file_->Finish(expected_digest, media_type,
                                      [&](const std::string& digest) {
                                        named = digest;
                                        BeginNaming(digest);
                                      });
  if (!stored.ok()) {
    if (!named.empty()) EndNaming(named);
    return added(stored.status());
  }
  struct Adding {
    Artifact artifact;
    bool is_new = false;
    ArtifactBudget::Share share;
  };
  auto adding = std::make_shared<Adding>();
  adding->artifact.digest = stored->digest;
  adding->artifact.size = stored->size;
  adding->artifact.media_type = stored->media_type;
  adding->share = std::move(upload->share_);
  upload.reset();
  store_->Write(
      [adding](Tx& tx) {
        // Uploading again makes an artifact young again: once a client has been
        // told that it is here, it must stay for a day.
        adding->artifact.create_time = tx.now();
        adding->is_new = !tx.FindArtifact(adding->artifact.digest);
        tx.SaveArtifact(adding->artifact);
        return absl::OkStatus();
      },
      [this, adding, added = std::move(added)](const absl::Status& status) {
        EndNaming(adding->artifact.digest);
        adding->share = ArtifactBudget::Share();  // from here on the row counts
        if (!status.ok()) return added(status);
        if (adding->is_new) budget_->Add(1, adding->artifact.size);
        added(adding->artifact);
      },
      std::move(call));
}

void ArtifactLibrary::BeginNaming(const std::string& digest) {
  const absl::MutexLock lock(&naming_);
  being_named_.insert(digest);
}

void ArtifactLibrary::EndNaming(const std::string& digest) {
  const absl::MutexLock lock(&naming_);
  being_named_.erase(being_named_.find(digest));
}

absl::Status ArtifactLibrary::RemoveFile(const std::string& digest,
                                         absl::Time stored_before) {
  const absl::MutexLock lock(&naming_);
  if (being_named_.contains(digest)) return absl::OkStatus();
  return files_->Remove(digest, stored_before);
}

absl::StatusOr<int> ArtifactLibrary::Collect(
    const std::function<absl::Time(absl::Time now)>& created_by, int limit) {
  absl::Time by;
  std::vector<Artifact> candidates;
  // Runs on a reader: unneeded artifacts may be few among many needed ones.
  SHEAF_RETURN_IF_ERROR(ReadAndWait(*store_, [&](View& view) {
    by = created_by(view.now());
    candidates = view.UnreferencedArtifacts(by, limit);
    return absl::OkStatus();
  }));
  if (candidates.empty()) return 0;
  std::vector<Artifact> gone;
  SHEAF_RETURN_IF_ERROR(WriteAndWait(*store_, [&](Tx& tx) {
    gone.clear();
    for (const Artifact& artifact : candidates) {
      // A job may name it by now, and an upload may have made it young again.
      if (tx.FindArtifact(artifact.digest) != artifact ||
          tx.IsReferenced(artifact.digest)) {
        continue;
      }
      tx.DeleteArtifact(artifact.digest);
      gone.push_back(artifact);
    }
    return absl::OkStatus();
  }));
  for (const Artifact& artifact : gone) budget_->Add(-1, -artifact.size);
  for (const Artifact& artifact : gone) {
    // A file stored since then belongs to an upload that came between.
    SHEAF_RETURN_IF_ERROR(RemoveFile(artifact.digest, by));
  }
  return static_cast<int>(gone.size());
}

absl::StatusOr<int> ArtifactLibrary::CollectGarbage(absl::Time created_by,
                                                    int limit) {
  return Collect([&](absl::Time) { return created_by; }, limit);
}

void ArtifactLibrary::MakeRoom() {
  const absl::MutexLock lock(&room_);
  const absl::Duration now = StreamSlots::SteadyTime();
  if (now < next_room_) return;
  const auto removed =
      Collect([](absl::Time at) { return at - kNew; }, kRoomStep);
  if (!removed.ok() || *removed == 0) next_room_ = now + kRoomPause;
}

absl::StatusOr<int> ArtifactLibrary::SweepOrphans(absl::Time stored_before,
                                                  int files_max) {
  int removed = 0;
  int looked_at = 0;
  for (int folders = 0;
       folders < ArtifactStore::kFolders && looked_at < files_max; ++folders) {
    SHEAF_ASSIGN_OR_RETURN(const std::vector<std::string> digests,
                           files_->ListDigests(next_folder_));
    next_folder_ = (next_folder_ + 1) % ArtifactStore::kFolders;
    looked_at += static_cast<int>(digests.size());
    for (size_t at = 0; at < digests.size(); at += kSweepStep) {
      const size_t end = std::min(digests.size(), at + kSweepStep);
      std::vector<std::string> unknown;
      SHEAF_RETURN_IF_ERROR(ReadAndWait(*store_, [&](View& view) {
        unknown.clear();
        for (size_t i = at; i < end; ++i) {
          if (!view.FindArtifact(digests[i])) unknown.push_back(digests[i]);
        }
        return absl::OkStatus();
      }));
      for (const std::string& digest : unknown) {
        SHEAF_RETURN_IF_ERROR(RemoveFile(digest, stored_before));
        ++removed;
      }
    }
  }
  return removed;
}

}  // namespace sheaf::server
