#include "cli/support/text.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace sheaf::cli {
namespace {

int WidthOf(uint32_t code) {
  const auto in = [&](uint32_t low, uint32_t high) {
    return code >= low && code <= high;
  };
  if (in(0x300, 0x36f) || in(0x200b, 0x200d) || in(0xfe00, 0xfe0f)) return 0;
  const bool wide =
      in(0x1100, 0x115f) || in(0x2e80, 0xa4cf) || in(0xac00, 0xd7a3) ||
      in(0xf900, 0xfaff) || in(0xfe30, 0xfe6f) || in(0xff00, 0xff60) ||
      in(0xffe0, 0xffe6) || in(0x1f300, 0x1faff) || in(0x20000, 0x3fffd);
  return wide ? 2 : 1;
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Utf8Character next = FirstCharacter(text);
    width += next.size == 0 ? 1 : WidthOf(next.code);
    text.remove_prefix(std::max(next.size, 1));
  }
  return width;
}

}  // namespace sheaf::cli
