// A file that only takes up room, so that there is some left when the disk is
// full: without it nothing could be deleted any more, since deleting writes,
// too.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace sheaf {

class Ballast {
 public:
  // A ballast of `bytes` at `path`; none at all where `bytes` is 0.
  Ballast(std::string path, int64_t bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  int64_t bytes() const { return bytes_; }

  // Makes the ballast where it is missing and as much room again would stay
  // free. Answers whether it is there.
  bool Keep();
  // Gives its room away. Answers whether there was any.
  bool Release();

 private:
  const std::string path_;
  const int64_t bytes_;
};

}  // namespace sheaf
