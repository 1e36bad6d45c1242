// Files to and from the artifact store. Blocks; one thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/support/client.h"
#include "sheaf/v1/artifact_service.pb.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::cli {

// Uploads the file. INVALID_ARGUMENT if it cannot be read.
absl::StatusOr<v1::Artifact> UploadFile(Client& client,
                                        const std::string& path);

// Replaces every picture of the job that is a file (init_image, mask, control
// images) by the artifact it is uploaded as; each file goes up once.
// INVALID_ARGUMENT for a file that is no PNG, JPEG or WebP picture, so that a
// prompts file from elsewhere cannot send a secret.
absl::Status UploadPictures(Client& client, v1::JobSpec* job);

// Makes a picture that the file `list` names a path from here: it is looked for
// beside that file. INVALID_ARGUMENT as in UploadPictures.
absl::Status FindPictureBeside(const std::string& list, std::string* picture);

// A directory that files are put into: opened once, so that nothing that
// happens to its path later sends a file elsewhere.
class OutputDirectory {
 public:
  // Makes the directory if its parent exists.
  static absl::StatusOr<OutputDirectory> Open(const std::string& path);
  OutputDirectory(OutputDirectory&& other) noexcept;
  OutputDirectory& operator=(OutputDirectory&&) = delete;
  ~OutputDirectory();

  // Downloads the artifact as `name` in this directory: first under a temporary
  // name, then, once the bytes match the artifact's SHA-256, under its own. An
  // existing file of that name stays as it is if it has the same bytes;
  // otherwise it is an ALREADY_EXISTS error, unless `overwrite`.
  // INVALID_ARGUMENT if `name` is not a plain file name.
  absl::Status Download(Client& client, const std::string& artifact,
                        const std::string& name, bool overwrite);

 private:
  explicit OutputDirectory(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

// "run-3-image.png" for an output of run 3, whatever the server says: the name
// never leaves its directory.
std::string OutputFileName(int run_index, const v1::Output& output);

}  // namespace sheaf::cli
