#include "base/utf8.h"

#include <cstdint>

namespace sheaf {

bool IsValidUtf8(std::string_view text) {
  size_t i = 0;
  const size_t n = text.size();
  while (i < n) {
    const uint8_t lead = text[i++];
    if (lead < 0x80) continue;
    int more;
    uint32_t code;
    if ((lead & 0xE0) == 0xC0) {
      more = 1;
      code = lead & 0x1F;
    } else if ((lead & 0xF0) == 0xE0) {
      more = 2;
      code = lead & 0x0F;
    } else if ((lead & 0xF8) == 0xF0) {
      more = 3;
      code = lead & 0x07;
    } else {
      return false;
    }
    for (int k = 0; k < more; ++k) {
      if (i >= n || (static_cast<uint8_t>(text[i]) & 0xC0) != 0x80) {
        return false;
      }
      code = code << 6 | (static_cast<uint8_t>(text[i++]) & 0x3F);
    }
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (code < kLeast[more] || code > 0x10FFFF) return false;
    if (code >= 0xD800 && code <= 0xDFFF) return false;
  }
  return true;
}

}  // namespace sheaf
