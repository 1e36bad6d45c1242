// A file that is there whole or not at all.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/support/interrupt.h"

namespace sheaf::cli {

// The file is written under a temporary name beside its own name, and Keep
// gives it its own name. Without Keep the file is removed, also on an
// interrupt. One at a time; one thread.
class NewFile {
 public:
  // ALREADY_EXISTS where something of that name is there, unless `overwrite`.
  static absl::StatusOr<NewFile> Open(const std::string& path, bool overwrite);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  absl::Status Write(std::string_view bytes);
  absl::Status Keep();

 private:
  NewFile() = default;
  absl::Status Fault() const;

  std::string path_;
  std::string name_;       // the last part of it
  std::string temporary_;  // beside it
  int directory_ = -1;
  int descriptor_ = -1;
  std::unique_ptr<TemporaryFileGuard> guard_;
};

}  // namespace sheaf::cli
