// Whether text is well-formed UTF-8 (no surrogates, no overlong forms).
#pragma once

#include <string_view>

namespace sheaf {

bool IsValidUtf8(std::string_view text);

}  // namespace sheaf
