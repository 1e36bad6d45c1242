// Text as a cell of a CSV file that others open.
//
// A spreadsheet computes a cell that begins with = + - @ (or their full-width
// forms), also after a tab, and some take ';' for the end of a cell; a terminal
// obeys control characters. So a cell that begins like a formula, or with an
// apostrophe, has an apostrophe before it; a character that is not seen
// (base/safe_text.h), a broken byte and ';' before a formula stand as \xNN,
// byte by byte, and so does a backslash that would read as one of these. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sheaf::batching {

std::string CellOfText(std::string_view text);
// The inverse of CellOfText, for every text. A cell that CellOfText never
// writes reads as it is, but for its guard and its escapes.
std::string TextOfCell(std::string_view cell);

}  // namespace sheaf::batching
