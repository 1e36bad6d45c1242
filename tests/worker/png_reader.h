// Reads PNG files back with libpng, for the tests of what writes them.
#pragma once

#include <map>
#include <string>

#include "inference/worker/png.h"

namespace sheaf::worker {

struct DecodedPng {
  bool ok = false;
  Picture picture;
  std::map<std::string, std::string> texts;
};

// Not ok where libpng finds any fault with `bytes`.
DecodedPng DecodePng(const std::string& bytes);

}  // namespace sheaf::worker
