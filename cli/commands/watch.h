// --watch: draws the same again and again, until nobody reads it.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "cli/support/context.h"

namespace sheaf::cli {

// Calls `draw` again and again, with pauses of `interval` ("2s"), as long as it
// answers OK and standard output takes the text. INVALID_ARGUMENT for a broken
// interval.
absl::Status DrawAgainAndAgain(Context& context, const std::string& interval,
                               const std::function<absl::Status()>& draw);

// Begins a new picture on the terminal.
void ClearScreen(Context& context);

}  // namespace sheaf::cli
