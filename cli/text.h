// Small facts about text: what is safe to show on a terminal, how wide it is,
// and which known word an unknown one was meant to be. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sheaf::cli {

// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool IsUtf8(std::string_view text);

// `text` with every control character and every broken byte written as \xNN,
// so that a prompt or a label can never steer the reader's terminal.
std::string Printable(std::string_view text);

// Columns that printable text takes on a terminal: two for East Asian wide
// characters and emoji, none for combining marks.
int DisplayWidth(std::string_view text);

// The candidate that `word` was probably meant to be; empty if none is near.
std::string Closest(std::string_view word,
                    const std::vector<std::string>& candidates);

// ", did you mean 'X'?" or nothing: the tail of a message about `word`.
std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates);

}  // namespace sheaf::cli
