#include "server/process/open_store.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "queue/sqlite/sqlite_store.h"

namespace sheaf::server {

absl::StatusOr<std::unique_ptr<DurableStore>> OpenStore(
    const ServerConfig& config, StoreLinks links) {
  SqliteStore::Options options;
  options.directory = config.data_dir;
  options.clock = std::move(links.clock);
  options.observer = std::move(links.observer);
  options.log = std::move(links.log);
  options.on_distrust = std::move(links.on_distrust);
  options.reader_threads = config.reader_threads;
  options.group_max = config.group_max;
  options.ballast_bytes = config.ballast_bytes;
  if (config.boot_check == "sync") {
    options.boot_check_bytes_max = std::numeric_limits<int64_t>::max();
  } else if (config.boot_check != "auto") {
    options.boot_check_bytes_max = 0;
    options.background_check = config.boot_check == "background";
  }
  return SqliteStore::Open(std::move(options));
}

}  // namespace sheaf::server
