#include "cli/commands/watch.h"

#include <algorithm>
#include <ostream>

#include "base/status.h"
#include "cli/support/flag_values.h"

namespace sheaf::cli {

absl::Status DrawAgainAndAgain(Context& context, const std::string& interval,
                               const std::function<absl::Status()>& draw) {
  SHEAF_ASSIGN_OR_RETURN(const absl::Duration pause, ParseDuration(interval));
  while (context.out()) {
    SHEAF_RETURN_IF_ERROR(draw());
    context.out().flush();
    absl::SleepFor(std::max(pause, absl::Milliseconds(100)));
  }
  return absl::OkStatus();
}

void ClearScreen(Context& context) { context.out() << "\033[H\033[2J"; }

}  // namespace sheaf::cli
