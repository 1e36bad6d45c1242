// UTF-8, as it must be (no surrogates, no overlong forms).
#pragma once

#include <cstdint>
#include <string_view>

namespace sheaf {

struct Utf8Character {
  uint32_t code = 0;
  int size = 0;  // in bytes; 0 where the text begins with no character
};

// The first character of `text`.
Utf8Character FirstCharacter(std::string_view text);

// Whether text is well-formed.
bool IsValidUtf8(std::string_view text);

}  // namespace sheaf
