// A small font: the printable characters of ASCII, drawn as pixels.
#pragma once

#include <array>
#include <cstdint>

namespace sheaf::engine {

// A glyph's box; text advances by one pixel more each way.
inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 8;

// The rows of a character from the top; the leftmost pixel is bit 4. A
// character that is not printable ASCII looks like '?'.
std::array<uint8_t, kGlyphHeight> GlyphRows(char character);

}  // namespace sheaf::engine
