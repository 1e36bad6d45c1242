// The parts of Unicode that a tokenizer needs: code points, classes, normal
// form, lower case.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace sheaf::engine {

void AppendUtf8(char32_t code, std::string* out);

// Returns the code point at *at, and moves *at past it. `text` must be valid
// UTF-8.
char32_t NextCodePoint(std::string_view text, size_t* at);

bool IsLetter(char32_t code);  // General category L.
bool IsNumber(char32_t code);  // General category N.
bool IsSpace(char32_t code);   // The property White_Space.

// Normal form C. INVALID_ARGUMENT where `text` is not valid UTF-8.
absl::StatusOr<std::string> NormalFormC(std::string_view text);

// Each code point's full lower-case form, without regard to its neighbours.
// `text` must be valid UTF-8.
std::string LowerCase(std::string_view text);

}  // namespace sheaf::engine
