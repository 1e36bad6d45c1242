// Small facts about text: how wide it is on a terminal, and which known word an
// unknown one was meant to be. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sheaf::cli {

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
