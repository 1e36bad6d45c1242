// A store for tests whose use cases throw; with any other store, the exception
// would fail the test.
#pragma once

#include <memory>

#include "tests/queue/stores.h"

namespace sheaf {

// Like NewSqliteStore.
std::unique_ptr<Store> NewFaultySqliteStore(const TestClock* clock);

}  // namespace sheaf
