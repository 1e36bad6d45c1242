// A weight file in memory: mapped privately (pages come from the file as they
// are touched; writing to them changes our copy alone), or read whole.
//
// If a mapped file is truncated, the next touch of a lost page would stop the
// process with SIGBUS. Here a handler puts a page of zeros in its place, and
// Check() reports that from then on. The handler is installed with the first
// mapping and leaves every address that is not ours to its predecessor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sheaf::engine {

// Immutable except for the bytes that its owner writes into data(). Any thread
// may read.
class MappedFile {
 public:
  enum class Mode {
    kMap,
    // Reads the file whole: for files that others may change meanwhile.
    kCopy,
  };

  // NOT_FOUND, PERMISSION_DENIED or INVALID_ARGUMENT (not a regular file) with
  // the path; DATA_LOSS where the file shrinks while it is read.
  static absl::StatusOr<std::shared_ptr<MappedFile>> Open(
      const std::string& path, Mode mode);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

  // Brings [offset, offset + length) into memory. DATA_LOSS, with the path,
  // where the file has become shorter since.
  absl::Status Prefetch(size_t offset, size_t length) const;

  // DATA_LOSS, with the path, once a page was missing and was read as zeros.
  absl::Status Check() const;

 private:
  MappedFile(std::string path, std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  const std::string path_;
  std::byte* const data_;
  const size_t size_;
  int slot_ = -1;  // In the handler's table; -1: not mapped from a file.
};

}  // namespace sheaf::engine
