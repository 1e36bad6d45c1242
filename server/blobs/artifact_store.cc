#include "server/blobs/artifact_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/status.h"
#include "queue/error.h"
#include "server/blobs/media_type.h"

namespace sheaf::server {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

absl::Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "cannot make a directory for artifacts");
}

// The names in a directory, without "." and ".."; none where there is none.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr && errno == ENOENT) return names;
  if (directory == nullptr) return ErrnoStatus(errno, "cannot list artifacts");
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(directory);
  return names;
}

absl::Status NotFound(std::string_view digest) {
  return WithSubject(
      Error(Reason::kArtifactNotFound, "no artifact has this name"),
      "artifacts/" + std::string(digest.substr(0, 64)));
}

}  // namespace

ArtifactStore::ArtifactStore(const std::string& directory,
                             const ArtifactOptions& options)
    : root_(directory + "/artifacts"), options_(options) {}

absl::StatusOr<std::unique_ptr<ArtifactStore>> ArtifactStore::Open(
    const std::string& directory, const ArtifactOptions& options) {
  std::unique_ptr<ArtifactStore> store(new ArtifactStore(directory, options));
  SHEAF_RETURN_IF_ERROR(store->Prepare());
  return store;
}

absl::Status ArtifactStore::Prepare() {
  SHEAF_RETURN_IF_ERROR(MakeDirectory(root_));
  SHEAF_RETURN_IF_ERROR(MakeDirectory(root_ + "/tmp"));
  SHEAF_ASSIGN_OR_RETURN(const auto leftovers, NamesIn(root_ + "/tmp"));
  for (const std::string& name : leftovers) {
    ::unlink((root_ + "/tmp/" + name).c_str());
  }
  SHEAF_RETURN_IF_ERROR(SyncDirectory(root_));
  return SyncDirectory(root_ + "/..");
}

std::string ArtifactStore::FolderOf(std::string_view digest) const {
  return root_ + "/" + std::string(digest.substr(0, 2));
}

std::string ArtifactStore::PathOf(std::string_view digest) const {
  return FolderOf(digest) + "/" + std::string(digest.substr(2));
}

bool ArtifactStore::IsDigest(std::string_view text) {
  return text.size() == 64 && IsHex(text);
}

absl::StatusOr<std::unique_ptr<ArtifactStore::Upload>>
ArtifactStore::BeginUpload() {
  const std::string path =
      root_ + "/tmp/" + std::to_string(temp_names_.fetch_add(1));
  PosixFile file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file.open()) return ErrnoStatus(errno, "cannot begin an upload");
  return std::unique_ptr<Upload>(new Upload(this, path, std::move(file)));
}

absl::StatusOr<std::unique_ptr<ArtifactStore::Reader>>
ArtifactStore::OpenReader(std::string_view digest) {
  if (!IsDigest(digest)) return NotFound(digest);
  PosixFile file(PathOf(digest), O_RDONLY);
  if (!file.open()) {
    return errno == ENOENT ? NotFound(digest)
                           : ErrnoStatus(errno, "cannot open the artifact");
  }
  SHEAF_ASSIGN_OR_RETURN(const int64_t size, file.Size());
  std::unique_ptr<Reader> reader(
      new Reader(std::string(digest), PathOf(digest), size));
  // An empty file has no last piece to hold back.
  if (size == 0 && Sha256Hex("") != digest) return reader->Corrupt();
  return reader;
}

absl::Status ArtifactStore::Remove(std::string_view digest,
                                   absl::Time stored_before) {
  if (!IsDigest(digest)) return NotFound(digest);
  const std::string path = PathOf(digest);
  const absl::MutexLock lock(&names_);
  struct stat facts;
  if (::lstat(path.c_str(), &facts) != 0) {
    return errno == ENOENT ? absl::OkStatus()
                           : ErrnoStatus(errno, "cannot look for the artifact");
  }
  if (absl::TimeFromTimespec(facts.st_mtim) >= stored_before) {
    return absl::OkStatus();
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, "cannot remove the artifact");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ArtifactStore::ListDigests(
    int folder) const {
  const std::string name = {kHexDigits[folder / 16], kHexDigits[folder % 16]};
  std::vector<std::string> digests;
  SHEAF_ASSIGN_OR_RETURN(const auto files, NamesIn(root_ + "/" + name));
  for (const std::string& file : files) {
    if (IsDigest(name + file)) digests.push_back(name + file);
  }
  return digests;
}

ArtifactStore::Upload::Upload(ArtifactStore* store, std::string path,
                              PosixFile file)
    : store_(store), path_(std::move(path)), file_(std::move(file)) {}

ArtifactStore::Upload::~Upload() {
  if (!named_) ::unlink(path_.c_str());
}

absl::Status ArtifactStore::Upload::Append(std::string_view bytes) {
  if (status_.ok()) status_ = Take(bytes);
  return status_;
}

absl::Status ArtifactStore::Upload::Take(std::string_view bytes) {
  const int64_t room = store_->options_.bytes_max - size_;
  if (static_cast<int64_t>(bytes.size()) > room) {
    return Error(Reason::kArtifactTooLarge,
                 "an artifact has at most " +
                     std::to_string(store_->options_.bytes_max) + " bytes");
  }
  if (head_.size() < kMediaHeadBytes) {
    head_ += bytes.substr(0, kMediaHeadBytes - head_.size());
    // Checks as early as possible: a refused upload need not be sent to its
    // end.
    if (head_.size() == kMediaHeadBytes) SHEAF_RETURN_IF_ERROR(CheckHead());
  }
  SHEAF_RETURN_IF_ERROR(CheckJpeg(bytes));
  sha_.Update(bytes);
  size_ += bytes.size();
  return file_.WriteAll(bytes);
}

absl::Status ArtifactStore::Upload::CheckHead() const {
  if (SniffMediaType(head_) == kOtherMediaType &&
      !store_->options_.allow_other_types) {
    return Error(Reason::kArtifactTypeRefused,
                 "the bytes are not a PNG, JPEG or WebP picture");
  }
  return CheckPictureHead(head_, store_->options_.picture);
}

// A JPEG's size may stand behind any number of other segments.
absl::Status ArtifactStore::Upload::CheckJpeg(std::string_view bytes) {
  jpeg_.Update(bytes);
  if (!jpeg_.size() || SniffMediaType(head_) != "image/jpeg") {
    return absl::OkStatus();
  }
  return CheckPictureSize(*jpeg_.size(), store_->options_.picture);
}

absl::StatusOr<StoredArtifact> ArtifactStore::Upload::Finish(
    std::string_view expected_digest, std::string_view media_type,
    const Naming& naming) {
  SHEAF_RETURN_IF_ERROR(status_);
  SHEAF_RETURN_IF_ERROR(CheckHead());
  const std::string_view sniffed = SniffMediaType(head_);
  SHEAF_RETURN_IF_ERROR(CheckClaim(media_type, sniffed));
  StoredArtifact stored{.digest = sha_.FinishHex(),
                        .size = size_,
                        .media_type = std::string(sniffed)};
  if (!expected_digest.empty() && expected_digest != stored.digest) {
    return WithMetadata(Error(Reason::kArtifactMismatch,
                              "the bytes do not have the expected digest"),
                        "actualName", "artifacts/" + stored.digest);
  }
  SHEAF_RETURN_IF_ERROR(file_.Sync());
  file_.Close();
  if (naming) naming(stored.digest);
  SHEAF_RETURN_IF_ERROR(GiveName(stored.digest));
  SHEAF_RETURN_IF_ERROR(SyncDirectory(store_->FolderOf(stored.digest)));
  return stored;
}

// Replaces the old file, if there is one, which heals a damaged copy. A folder
// is made with its first file; making all 256 at the start took half a second.
absl::Status ArtifactStore::Upload::GiveName(std::string_view digest) {
  const absl::MutexLock lock(&store_->names_);
  const std::string named = store_->PathOf(digest);
  int failed = ::rename(path_.c_str(), named.c_str());
  if (failed != 0 && errno == ENOENT) {
    SHEAF_RETURN_IF_ERROR(MakeDirectory(store_->FolderOf(digest)));
    SHEAF_RETURN_IF_ERROR(SyncDirectory(store_->root_));
    failed = ::rename(path_.c_str(), named.c_str());
  }
  if (failed != 0) return ErrnoStatus(errno, "cannot store the artifact");
  named_ = true;
  return absl::OkStatus();
}

ArtifactStore::Reader::Reader(std::string digest, std::string path,
                              int64_t size)
    : digest_(std::move(digest)), path_(std::move(path)), size_(size) {}

absl::Status ArtifactStore::Reader::Corrupt() const {
  return WithSubject(Error(Reason::kArtifactCorrupt,
                           "the stored bytes no longer match their name"),
                     "artifacts/" + digest_);
}

absl::StatusOr<std::string> ArtifactStore::Reader::Read(size_t count) {
  SHEAF_RETURN_IF_ERROR(status_);
  absl::StatusOr<std::string> bytes = ReadPiece(count);
  status_ = bytes.status();
  return bytes;
}

// The file may have been removed since the last piece, or been replaced by an
// upload of the same bytes.
absl::StatusOr<std::string> ArtifactStore::Reader::ReadPiece(size_t count) {
  const int64_t left = size_ - offset_;
  if (left == 0) return std::string();
  PosixFile file(path_, O_RDONLY);
  if (!file.open()) {
    return errno == ENOENT ? NotFound(digest_)
                           : ErrnoStatus(errno, "cannot open the artifact");
  }
  SHEAF_ASSIGN_OR_RETURN(const int64_t size, file.Size());
  if (size != size_) return Corrupt();
  SHEAF_ASSIGN_OR_RETURN(std::string bytes,
                         file.ReadAt(offset_, std::min<int64_t>(count, left)));
  if (bytes.empty()) return Corrupt();
  offset_ += bytes.size();
  sha_.Update(bytes);
  if (offset_ == size_ && sha_.FinishHex() != digest_) return Corrupt();
  return bytes;
}

}  // namespace sheaf::server
