#include "server/blobs/checkpoint_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/log/log.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "base/status.h"
#include "server/blobs/posix_file.h"

namespace sheaf::server {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[] = "sheaf-checkpoint-2";
constexpr size_t kHeaderBytesMax = 512;
constexpr size_t kDigestLength = 64;
constexpr absl::Duration kRefusalLogPause = absl::Minutes(1);

// A header is a line of words: kMagic, the run's key, epoch, step, how many
// bytes follow, the request's digest, the SHA-256 of all before it and of the
// bytes, and the seal: the HMAC of all that by the server's key, so that a file
// from elsewhere is known by its first line.
std::string Facts(const Checkpoint& checkpoint, int64_t size) {
  return absl::StrCat(kMagic, " ", checkpoint.run.value, " ", checkpoint.epoch,
                      " ", checkpoint.step, " ", size, " ", checkpoint.request);
}

std::string Digest(const std::string& facts, std::string_view bytes) {
  Sha256 sha;
  sha.Update(facts);
  sha.Update(bytes);
  return sha.FinishHex();
}

struct Header {
  Checkpoint checkpoint;  // without its bytes
  std::string digest;
  size_t length = 0;  // of the header itself
  int64_t size = 0;   // of the bytes after it
};

std::string Seal(const std::string& key, const std::string& facts,
                 const std::string& digest) {
  return HmacHex(key, absl::StrCat(facts, " ", digest));
}

std::optional<Header> ParseHeader(std::string_view text,
                                  const std::string& key) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::vector<std::string> words =
      absl::StrSplit(ToAbsl(text.substr(0, end)), ' ');
  Header header;
  header.length = end + 1;
  Checkpoint& of = header.checkpoint;
  if (words.size() != 8 || words[0] != kMagic ||
      !absl::SimpleAtoi(words[1], &of.run.value) ||
      !absl::SimpleAtoi(words[2], &of.epoch) ||
      !absl::SimpleAtoi(words[3], &of.step) ||
      !absl::SimpleAtoi(words[4], &header.size) ||
      words[5].size() != kDigestLength || words[6].size() != kDigestLength ||
      of.step < 1 || header.size < 0) {
    return std::nullopt;
  }
  of.request = words[5];
  header.digest = words[6];
  if (!IsSameSecret(words[7],
                    Seal(key, Facts(of, header.size), header.digest))) {
    return std::nullopt;
  }
  return header;
}

// Nothing where the file is not one that Save has written completely.
std::optional<Header> ReadHeader(const PosixFile& file,
                                 const std::string& key) {
  if (!file.open()) return std::nullopt;
  const auto size = file.Size();
  const auto head = file.ReadAt(0, kHeaderBytesMax);
  if (!size.ok() || !head.ok()) return std::nullopt;
  std::optional<Header> header = ParseHeader(*head, key);
  if (!header || static_cast<int64_t>(header->length) + header->size != *size) {
    return std::nullopt;
  }
  return header;
}

std::string FileNameOf(RunId run) {
  return absl::StrCat(run.job().value, "-", run.index());
}

absl::Status NoneOf(RunId run) {
  return WithSubject(Error(Reason::kCheckpointNotFound,
                           absl::StrCat("no checkpoint of ", NameOf(run))),
                     NameOf(run));
}

absl::Status WriteFile(const std::string& path, const std::string& header,
                       const std::string& bytes) {
  PosixFile file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (!file.open()) return ErrnoStatus(errno, "cannot begin a checkpoint");
  SHEAF_RETURN_IF_ERROR(file.WriteAll(header));
  return file.WriteAll(bytes);
}

}  // namespace

std::string RequestDigest(const RunParams& params) {
  return Sha256Hex(Encode(params));
}

CheckpointStore::CheckpointStore(std::string root, const Options& options)
    : root_(std::move(root)), options_(options) {}

absl::StatusOr<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(
    const std::string& directory, const Options& options) {
  std::unique_ptr<CheckpointStore> store(
      new CheckpointStore(directory + "/checkpoints", options));
  SHEAF_RETURN_IF_ERROR(store->Learn());
  return store;
}

absl::Status CheckpointStore::Learn() {
  std::error_code error;
  if (::mkdir(root_.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoStatus(errno, "cannot make the folder checkpoints/");
  }
  fs::permissions(root_, fs::perms::owner_all, error);
  std::vector<std::string> names;
  for (fs::directory_iterator at(root_, error), end; !error && at != end;
       at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error) {
    return ErrnoStatus(error.value(), "cannot read the folder checkpoints/");
  }
  const absl::MutexLock lock(&mutex_);
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(root_, "/", name);
    const std::optional<Header> header =
        ReadHeader(PosixFile(path, O_RDONLY), options_.key);
    if (!header || FileNameOf(header->checkpoint.run) != name) {
      Log(spdlog::level::info, "checkpoints",
          "removed a file that is not a checkpoint", {{"file", name}});
      fs::remove(path, error);
      continue;
    }
    const Checkpoint& of = header->checkpoint;
    Known& known = known_[of.run];
    known = {of.epoch, of.step, of.request,
             static_cast<int64_t>(header->length) + header->size};
    total_ += known.size;
  }
  return absl::OkStatus();
}

std::string CheckpointStore::PathOf(RunId run) const {
  return absl::StrCat(root_, "/", FileNameOf(run));
}

absl::StatusOr<bool> CheckpointStore::IsWanted(const Checkpoint& checkpoint,
                                               int64_t size) const {
  const auto bytes = static_cast<int64_t>(checkpoint.bytes.size());
  if (bytes > options_.bytes_max) {
    return InvalidArgument(
        {{"header.size_bytes",
          absl::StrCat("a checkpoint has at most ", options_.bytes_max,
                       " bytes on this server, not ", bytes)}});
  }
  const absl::MutexLock lock(&mutex_);
  int64_t old_size = 0;
  if (const auto at = known_.find(checkpoint.run); at != known_.end()) {
    const Known& known = at->second;
    if (known.epoch > checkpoint.epoch ||
        (known.epoch == checkpoint.epoch && known.step >= checkpoint.step)) {
      return false;
    }
    old_size = known.size;
  }
  if (total_ - old_size + size > options_.total_max) {
    return Error(Reason::kOverloaded,
                 absl::StrCat("all checkpoints together have at most ",
                              options_.total_max, " bytes on this server"));
  }
  return true;
}

absl::Status CheckpointStore::Save(const Checkpoint& checkpoint) {
  const std::string facts =
      Facts(checkpoint, static_cast<int64_t>(checkpoint.bytes.size()));
  const std::string digest = Digest(facts, checkpoint.bytes);
  const std::string header = absl::StrCat(
      facts, " ", digest, " ", Seal(options_.key, facts, digest), "\n");
  const auto size =
      static_cast<int64_t>(header.size() + checkpoint.bytes.size());
  const absl::MutexLock lock(&files_);
  const auto wanted = IsWanted(checkpoint, size);
  if (!wanted.ok()) LogRefusal(checkpoint, wanted.status());
  if (!wanted.ok() || !*wanted) return wanted.status();
  // One at a time, so one name is enough; Learn removes it after a crash.
  const std::string temporary = absl::StrCat(root_, "/new");
  absl::Status status = WriteFile(temporary, header, checkpoint.bytes);
  if (status.ok() &&
      ::rename(temporary.c_str(), PathOf(checkpoint.run).c_str()) != 0) {
    status = ErrnoStatus(errno, "cannot keep a checkpoint");
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    LogRefusal(checkpoint, status);
    return status;
  }
  const absl::MutexLock known_lock(&mutex_);
  Known& known = known_[checkpoint.run];
  total_ += size - known.size;
  known = {checkpoint.epoch, checkpoint.step, checkpoint.request, size};
  return absl::OkStatus();
}

int CheckpointStore::StepOf(RunId run, const std::string& request) const {
  const absl::MutexLock lock(&mutex_);
  const auto at = known_.find(run);
  return at != known_.end() && at->second.request == request ? at->second.step
                                                             : 0;
}

absl::StatusOr<std::unique_ptr<CheckpointStore::Reader>>
CheckpointStore::OpenReader(RunId run, const std::string& request) {
  const absl::MutexLock lock(&files_);
  if (!Has(run)) return NoneOf(run);
  const PosixFile file(PathOf(run), O_RDONLY);
  std::optional<Header> header = ReadHeader(file, options_.key);
  if (header && header->checkpoint.run == run &&
      header->checkpoint.request == request &&
      header->size <= options_.bytes_max) {
    SHEAF_ASSIGN_OR_RETURN(std::string text, file.ReadAt(0, header->length));
    return std::unique_ptr<Reader>(
        new Reader(this, std::move(header->checkpoint), std::move(text),
                   std::move(header->digest), header->size));
  }
  Forget(run);
  return NoneOf(run);
}

absl::Status CheckpointStore::Damaged(const Checkpoint& checkpoint) {
  const RunId run = checkpoint.run;
  const absl::MutexLock lock(&files_);
  const std::optional<Header> now =
      ReadHeader(PosixFile(PathOf(run), O_RDONLY), options_.key);
  if (Has(run) && (!now || (now->checkpoint.epoch == checkpoint.epoch &&
                            now->checkpoint.step == checkpoint.step))) {
    Log(spdlog::level::warn, "checkpoints",
        "a damaged checkpoint was removed; the run starts from the beginning",
        {{"run", NameOf(run)}});
    Forget(run);
  }
  return NoneOf(run);
}

void CheckpointStore::Remove(RunId run) {
  const absl::MutexLock lock(&files_);
  if (Has(run)) Forget(run);
}

void CheckpointStore::Forget(RunId run) {
  ::unlink(PathOf(run).c_str());
  const absl::MutexLock lock(&mutex_);
  const auto at = known_.find(run);
  if (at == known_.end()) return;
  total_ -= at->second.size;
  known_.erase(at);
}

bool CheckpointStore::Has(RunId run) const {
  const absl::MutexLock lock(&mutex_);
  return known_.contains(run);
}

std::vector<RunId> CheckpointStore::Runs() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<RunId> runs;
  runs.reserve(known_.size());
  for (const auto& [run, known] : known_) runs.push_back(run);
  return runs;
}

// A full disk refuses every run's every checkpoint: one line a minute is news
// enough.
void CheckpointStore::LogRefusal(const Checkpoint& checkpoint,
                                 const absl::Status& status) {
  const absl::Time now = absl::Now();
  if (now < next_refusal_log_) return;
  next_refusal_log_ = now + kRefusalLogPause;
  Log(spdlog::level::warn, "checkpoints",
      "a checkpoint was not kept; the run goes on",
      {{"run", NameOf(checkpoint.run)}, {"status", status.ToString()}});
}

CheckpointStore::Reader::Reader(CheckpointStore* store, Checkpoint checkpoint,
                                std::string header, std::string digest,
                                int64_t size)
    : store_(store),
      checkpoint_(std::move(checkpoint)),
      header_(std::move(header)),
      digest_(std::move(digest)),
      size_(size) {
  sha_.Update(Facts(checkpoint_, size_));
}

absl::StatusOr<std::string> CheckpointStore::Reader::Read(size_t count) {
  SHEAF_RETURN_IF_ERROR(status_);
  absl::StatusOr<std::string> bytes = ReadPiece(count);
  status_ = bytes.status();
  return bytes;
}

absl::StatusOr<std::string> CheckpointStore::Reader::ReadPiece(size_t count) {
  const int64_t left = size_ - offset_;
  if (checked_) return std::string();
  const PosixFile file(store_->PathOf(checkpoint_.run), O_RDONLY);
  if (!file.open()) return NoneOf(checkpoint_.run);
  SHEAF_ASSIGN_OR_RETURN(const std::string header,
                         file.ReadAt(0, header_.size()));
  if (header != header_) return NoneOf(checkpoint_.run);
  SHEAF_ASSIGN_OR_RETURN(
      std::string bytes,
      file.ReadAt(static_cast<int64_t>(header_.size()) + offset_,
                  static_cast<size_t>(
                      std::min<int64_t>(static_cast<int64_t>(count), left))));
  offset_ += static_cast<int64_t>(bytes.size());
  sha_.Update(bytes);
  checked_ = offset_ == size_;
  if (checked_ ? sha_.FinishHex() != digest_ : bytes.empty()) {
    return store_->Damaged(checkpoint_);
  }
  return bytes;
}

}  // namespace sheaf::server
