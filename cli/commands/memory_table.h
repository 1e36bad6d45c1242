// How what is known of memory and times (WorkMemory) reads as a table.
#pragma once

#include <vector>

#include "cli/support/output.h"

namespace sheaf::cli {

const std::vector<Column>& MemoryColumns();

}  // namespace sheaf::cli
