// How jobs and runs are shown; shared by the verbs of `job`.
#pragma once

#include <string>
#include <vector>

#include "cli/support/output.h"

namespace sheaf::cli {

const std::vector<Column>& JobColumns();
const std::vector<Column>& RunColumns();

}  // namespace sheaf::cli
