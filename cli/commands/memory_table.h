// The columns that show known memory and times (WorkMemory).
#pragma once

#include <vector>

#include "cli/support/output.h"

namespace sheaf::cli {

const std::vector<Column>& MemoryColumns();

}  // namespace sheaf::cli
