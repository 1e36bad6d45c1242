// Text that others wrote, as it may be shown: on a terminal, in a log, in JSON.
//
// Some characters do not show themselves but do something to the line they
// stand in: controls (C0, C1, DEL) steer a terminal, bidirectional marks
// reorder what stands beside them, and tags and their like are not seen at
// all, so that one name could show itself as another. All of those come out
// escaped. The joiners U+200C and U+200D stay: words of Persian and families
// of emoji are written with them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sheaf {

// Whether a character does something to its line and is not seen itself.
bool IsUnsafeCharacter(uint32_t code);

// `text` with every unsafe character and every broken byte written as \xNN,
// byte by byte, and each line end as \n. Always valid UTF-8.
std::string Printable(std::string_view text);

// The same for text of several lines: their ends stay.
std::string PrintableLines(std::string_view text);

// JSON as it was written by others, with each unsafe character outside of
// ASCII, and DEL, as \uNNNN: it reads as the same values. A broken byte becomes
// \ufffd. White space stays.
std::string SafeJson(std::string_view json);

}  // namespace sheaf
