#include "cli/support/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/picture_format.h"
#include "base/sha256.h"
#include "base/status.h"
#include "cli/support/errors.h"
#include "cli/support/flag_values.h"
#include "cli/support/interrupt.h"
#include "cli/support/run_fields.h"

namespace sheaf::cli {
namespace {

constexpr size_t kChunkBytes = 256 << 10;
constexpr absl::Duration kTransferDeadline = absl::Minutes(10);

absl::Status SystemError(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// An open file descriptor and its end.
struct File {
  int descriptor;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
};

bool IsPicture(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(kPictureFormatBytes, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(file.gcount()));
  return PictureFormatOf(start).has_value();
}

absl::Status CheckPicture(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) {
    return UsageError(
        absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  }
  if (IsPicture(path)) return absl::OkStatus();
  return UsageError(absl::StrCat(path, " is no PNG, JPEG or WebP picture"));
}

// Whether the server has it already.
bool IsArtifact(const std::string& picture) {
  return picture.empty() || absl::StartsWith(picture, "artifacts/");
}

absl::Status WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("cannot write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// The SHA-256 of a plain file; empty if there is none of that name.
std::string DigestOf(int directory, const std::string& name) {
  const File file{openat(directory, name.c_str(),
                         O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat info = {};
  if (file.descriptor < 0 || fstat(file.descriptor, &info) != 0 ||
      !S_ISREG(info.st_mode)) {
    return "";
  }
  Sha256 digest;
  std::string buffer(kChunkBytes, '\0');
  ssize_t size = 0;
  while ((size = read(file.descriptor, buffer.data(), buffer.size())) > 0) {
    digest.Update(std::string_view(buffer).substr(0, size));
  }
  return size < 0 ? "" : digest.FinishHex();
}

bool Exists(int directory, const std::string& name) {
  struct stat info = {};
  return fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

// Streams the artifact into `descriptor` and compares its digest.
absl::Status Receive(Client& client, const std::string& artifact,
                     int descriptor) {
  v1::DownloadArtifactRequest request;
  request.set_name(artifact);
  v1::DownloadArtifactResponse response;
  Sha256 digest;
  absl::Status written;
  SHEAF_RETURN_IF_ERROR(client.ReadStream(
      "sheaf.v1.ArtifactService/DownloadArtifact", request,
      std::max(client.timeout(), kTransferDeadline), &response, [&] {
        digest.Update(response.data());
        written = WriteAll(descriptor, response.data());
        return written.ok();
      }));
  SHEAF_RETURN_IF_ERROR(written);
  if ("artifacts/" + digest.FinishHex() != artifact) {
    return absl::DataLossError(absl::StrCat(
        artifact, " arrived with bytes that do not match its name"));
  }
  return absl::OkStatus();
}

absl::Status UploadPicture(Client& client,
                           std::map<std::string, std::string>* uploaded,
                           std::string* image) {
  if (IsArtifact(*image)) return absl::OkStatus();
  const auto known = uploaded->find(*image);
  if (known != uploaded->end()) {
    *image = known->second;
    return absl::OkStatus();
  }
  SHEAF_RETURN_IF_ERROR(CheckPicture(*image));
  SHEAF_ASSIGN_OR_RETURN(const v1::Artifact artifact,
                         UploadFile(client, *image));
  (*uploaded)[*image] = artifact.name();
  *image = artifact.name();
  return absl::OkStatus();
}

bool IsPlainName(const std::string& name) {
  if (name.empty() || name.size() > 200 || name[0] == '.') return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains("_.-", {&c, 1})) {
      return false;
    }
  }
  return true;
}

}  // namespace

absl::Status FindPictureBeside(const std::string& list, std::string* picture) {
  if (IsArtifact(*picture)) return absl::OkStatus();
  // A path from the root stays as it is.
  *picture = std::filesystem::path(list).parent_path() / *picture;
  return CheckPicture(*picture);
}

absl::StatusOr<v1::Artifact> UploadFile(Client& client,
                                        const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return UsageError(absl::StrCat("cannot read ", path));
  v1::UploadArtifactRequest request;
  bool begun = false;
  const auto next = [&] {
    std::string* data = request.mutable_data();
    data->resize(kChunkBytes);
    file.read(data->data(), static_cast<std::streamsize>(kChunkBytes));
    data->resize(static_cast<size_t>(file.gcount()));
    // An empty file still needs its one message.
    const bool more = !data->empty() || !begun;
    begun = true;
    return more;
  };
  v1::Artifact artifact;
  SHEAF_RETURN_IF_ERROR(client.WriteStream(
      "sheaf.v1.ArtifactService/UploadArtifact", &request, next,
      std::max(client.timeout(), kTransferDeadline), &artifact));
  if (file.bad()) return absl::InternalError("cannot read " + path);
  return artifact;
}

absl::Status UploadPictures(Client& client, v1::JobSpec* job) {
  std::map<std::string, std::string> uploaded;
  const auto upload = [&](std::string* picture) {
    return UploadPicture(client, &uploaded, picture);
  };
  if (job->has_shared()) {
    SHEAF_RETURN_IF_ERROR(ForEachPicture(job->mutable_shared(), upload));
  }
  for (v1::RunRequest& run : *job->mutable_runs()) {
    SHEAF_RETURN_IF_ERROR(ForEachPicture(&run, upload));
  }
  return absl::OkStatus();
}

absl::StatusOr<OutputDirectory> OutputDirectory::Open(const std::string& path) {
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    return SystemError("cannot make " + path);
  }
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("cannot open " + path);
  return OutputDirectory(descriptor);
}

OutputDirectory::OutputDirectory(OutputDirectory&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputDirectory::~OutputDirectory() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::Status OutputDirectory::Download(Client& client,
                                       const std::string& artifact,
                                       const std::string& name,
                                       bool overwrite) {
  if (name.empty() || name == "." || name == ".." ||
      absl::StrContains(name, "/") || name.size() > 255) {
    return UsageError(absl::StrCat("'", name, "' is no plain file name"));
  }
  if (!overwrite && Exists(descriptor_, name)) {
    if ("artifacts/" + DigestOf(descriptor_, name) == artifact) {
      return absl::OkStatus();
    }
    return absl::AlreadyExistsError(absl::StrCat(
        name, " exists already with other bytes; --force replaces it"));
  }
  const std::string temporary = absl::StrCat(".sheaf-", getpid(), ".part");
  unlinkat(descriptor_, temporary.c_str(), 0);
  const TemporaryFileGuard guard(descriptor_, temporary);
  const File file{openat(descriptor_, temporary.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         0666)};
  if (file.descriptor < 0) return SystemError("cannot write " + name);
  absl::Status status = Receive(client, artifact, file.descriptor);
  if (status.ok() && fsync(file.descriptor) != 0) {
    status = SystemError("cannot write " + name);
  }
  if (status.ok() && renameat(descriptor_, temporary.c_str(), descriptor_,
                              name.c_str()) != 0) {
    status = SystemError("cannot write " + name);
  }
  if (!status.ok()) unlinkat(descriptor_, temporary.c_str(), 0);
  return status;
}

std::string OutputFileName(int run_index, const v1::Output& output) {
  const std::string name =
      IsPlainName(output.name()) ? output.name() : "output";
  const std::string& type = output.media_type();
  const char* extension = type == "image/png"    ? ".png"
                          : type == "image/jpeg" ? ".jpg"
                          : type == "image/webp" ? ".webp"
                                                 : ".bin";
  const bool has_it = absl::EndsWithIgnoreCase(name, extension);
  return absl::StrCat("run-", run_index, "-", name, has_it ? "" : extension);
}

}  // namespace sheaf::cli
