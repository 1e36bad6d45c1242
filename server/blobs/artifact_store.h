// The bytes of artifacts, in files named by their SHA-256:
// DIR/artifacts/ab/cdef...; unfinished uploads lie in DIR/artifacts/tmp.
//
// A file gets its name only once all of it is on the disk, so a file with a
// name is whole, also after a crash. A file that no longer matches its name is
// never read out to its end. No caller's text becomes part of a path: only 64
// hex digits do.
//
// The store is owned by the server and outlives its uploads and readers. Any
// thread may call it; an upload or a reader is used by one thread at a time.
// All calls wait for the disk.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "server/blobs/media_type.h"
#include "server/blobs/posix_file.h"

namespace sheaf::server {

struct ArtifactOptions {
  int64_t bytes_max = int64_t{64} << 20;  // of one artifact
  PictureLimits picture;
  bool allow_other_types = false;  // than PNG, JPEG and WebP
};

struct StoredArtifact {
  std::string digest;
  int64_t size = 0;
  std::string media_type;  // as the bytes say
};

class ArtifactStore {
 public:
  class Upload;
  class Reader;

  // Makes the directories and removes the remains of uploads after a crash.
  static absl::StatusOr<std::unique_ptr<ArtifactStore>> Open(
      const std::string& directory, const ArtifactOptions& options);

  // Each upload holds a file open, so the caller counts them.
  absl::StatusOr<std::unique_ptr<Upload>> BeginUpload();

  // ARTIFACT_NOT_FOUND; ARTIFACT_CORRUPT for an empty file whose artifact was
  // not empty.
  absl::StatusOr<std::unique_ptr<Reader>> OpenReader(std::string_view digest);

  // Removes a file that was stored before that time; a later upload of the same
  // bytes makes it younger and thus keeps it. A file that is not there, or too
  // young, is no error.
  absl::Status Remove(std::string_view digest,
                      absl::Time stored_before = absl::InfiniteFuture());

  // The files lie in this many folders, about evenly.
  static constexpr int kFolders = 256;
  // Digests of all files in one folder, in no order, for finding unknown ones.
  absl::StatusOr<std::vector<std::string>> ListDigests(int folder) const;

  // 64 lower-case hex digits.
  static bool IsDigest(std::string_view text);

 private:
  ArtifactStore(const std::string& directory, const ArtifactOptions& options);
  absl::Status Prepare();
  std::string FolderOf(std::string_view digest) const;
  std::string PathOf(std::string_view digest) const;

  const std::string root_;
  const ArtifactOptions options_;
  std::atomic<int64_t> temp_names_ = 0;
  // Held while a name is given or taken away.
  absl::Mutex names_;
};

// An upload under way. Unless Finish succeeds, nothing of it remains.
class ArtifactStore::Upload {
 public:
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // ARTIFACT_TOO_LARGE, ARTIFACT_TYPE_REFUSED, DISK_FULL, STORE_UNAVAILABLE.
  // After an error every later call answers the same.
  absl::Status Append(std::string_view bytes);

  // Stores the bytes for good. `expected_digest` and `media_type` are the
  // caller's claims, or empty. Calls `naming` with the digest before a file has
  // it for a name. ARTIFACT_MISMATCH besides the above. Call once.
  using Naming = std::function<void(const std::string& digest)>;
  absl::StatusOr<StoredArtifact> Finish(std::string_view expected_digest,
                                        std::string_view media_type,
                                        const Naming& naming = nullptr);

 private:
  friend class ArtifactStore;
  Upload(ArtifactStore* store, std::string path, PosixFile file);
  absl::Status Take(std::string_view bytes);
  absl::Status CheckHead() const;
  absl::Status CheckJpeg(std::string_view bytes);
  absl::Status GiveName(std::string_view digest);

  ArtifactStore* const store_;
  const std::string path_;
  PosixFile file_;
  Sha256 sha_;
  std::string head_;  // the first bytes, kMediaHeadBytes at most
  JpegSizer jpeg_;
  int64_t size_ = 0;
  absl::Status status_;
  bool named_ = false;
};

// A download under way. Holds no file open between two reads, so that any
// number of readers may wait for callers who do not read.
class ArtifactStore::Reader {
 public:
  int64_t size() const { return size_; }

  // The next bytes, at most `count` (> 0); empty at the end. ARTIFACT_CORRUPT
  // instead of the last bytes if the file does not have its name's digest, so a
  // file of one piece is checked before its first byte. ARTIFACT_NOT_FOUND
  // where it has been removed since.
  absl::StatusOr<std::string> Read(size_t count);

 private:
  friend class ArtifactStore;
  Reader(std::string digest, std::string path, int64_t size);
  absl::StatusOr<std::string> ReadPiece(size_t count);
  absl::Status Corrupt() const;

  const std::string digest_;
  const std::string path_;
  const int64_t size_;
  int64_t offset_ = 0;
  absl::Status status_;
  Sha256 sha_;
};

}  // namespace sheaf::server
