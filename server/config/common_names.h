// Names of environment variables by which other servers that batch requests are
// configured, so that a deployment keeps its settings when it moves here. Pure
// but for the variables that it reads.
#pragma once

#include "server/config/config.h"
#include "server/config/config_file.h"

namespace sheaf::server {

// The values that these variables give to keys of the configuration:
//
//   ENABLE_BATCHING            policy of the first queue: adaptive, or off
//   ENABLE_ADAPTIVE_BATCHING   false: waits do not shrink
//   MAX_BATCH_SIZE             its batch_size
//   MAX_BATCH_WAIT_TIME        its wait_max, in seconds
//   ADAPTIVE_BATCH_THRESHOLD   its threshold
//   GPU_LOAD_BALANCE_STRATEGY  placement
RawValues FromCommonNames(const ConfigSources& sources);

}  // namespace sheaf::server
