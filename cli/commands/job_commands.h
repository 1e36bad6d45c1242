// The columns that show jobs and runs; shared by the verbs of `job`.
#pragma once

#include <string>
#include <vector>

#include "cli/support/output.h"

namespace sheaf::cli {

const std::vector<Column>& JobColumns();
const std::vector<Column>& RunColumns();

}  // namespace sheaf::cli
