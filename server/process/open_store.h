// Opens the store that the configuration names. The only place of the server
// that knows which stores there are.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "queue/durable_store.h"
#include "server/config/config.h"

namespace sheaf::server {

// Through these the store reaches the server; any thread of the store calls
// them, as long as it is open.
struct StoreLinks {
  std::function<absl::Time()> clock;
  // Called after each commit that changed something.
  std::function<void(const Committed&)> observer;
  // Lines for the log: faults, and what became of them.
  std::function<void(const std::string&)> log;
  // Called when not even reads can be relied on before the next start.
  std::function<void(const std::string&)> on_distrust;
};

// DATABASE_LOCKED, SCHEMA_NEWER, SCHEMA_ALTERED, STORE_CORRUPT,
// STORE_UNAVAILABLE.
absl::StatusOr<std::unique_ptr<DurableStore>> OpenStore(
    const ServerConfig& config, StoreLinks links);

}  // namespace sheaf::server
