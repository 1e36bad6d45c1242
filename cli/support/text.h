// How wide text is on a terminal. Pure.
#pragma once

#include <string_view>

namespace sheaf::cli {

// Columns that printable text takes on a terminal: two for East Asian wide
// characters and emoji, none for combining marks.
int DisplayWidth(std::string_view text);

}  // namespace sheaf::cli
