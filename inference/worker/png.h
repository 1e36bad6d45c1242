// Writing PNG files to memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::worker {

// Eight-bit RGB, rows from the top, no padding: width * height * 3 bytes.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;
};

// Keyword and UTF-8 text, written as tEXt where ASCII will do and as iTXt
// elsewhere. A keyword has 1 to 79 Latin-1 characters.
using PngText = std::pair<std::string, std::string>;

// The file's bytes, always the same for the same arguments. INVALID_ARGUMENT
// where the picture's size and bytes disagree, INTERNAL with libpng's words
// where it gives up.
absl::StatusOr<std::string> EncodePng(const Picture& picture,
                                      const std::vector<PngText>& texts);

}  // namespace sheaf::worker
