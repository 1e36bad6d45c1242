// A store for tests in which use cases fail by exceptions, which would fail the
// test with any other.
#pragma once

#include <memory>

#include "tests/queue/stores.h"

namespace sheaf {

// As NewSqliteStore.
std::unique_ptr<Store> NewFaultySqliteStore(const TestClock* clock);

}  // namespace sheaf
