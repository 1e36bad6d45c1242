// Guesses which known word an unknown one was meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sheaf {

// ", did you mean 'X'?" or nothing: the tail of a message about `word`.
std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates);

}  // namespace sheaf
