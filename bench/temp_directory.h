// Where a benchmark keeps its files.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sheaf::bench {

// The folder in which a run of the benchmark keeps everything; it is removed
// with all its contents.
class TempDirectory {
 public:
  // Makes it below `parent`. in_memory() says whether that is a file system in
  // memory, where a commit costs nothing.
  static absl::StatusOr<std::unique_ptr<TempDirectory>> Make(
      const std::string& parent);
  ~TempDirectory();
  const std::string& path() const { return path_; }
  bool in_memory() const { return in_memory_; }

 private:
  explicit TempDirectory(std::string path);
  const std::string path_;
  bool in_memory_ = false;
};

}  // namespace sheaf::bench
