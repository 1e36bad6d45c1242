#include "server/process/part_options.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/config/address_range.h"
#include "server/process/process.h"

namespace sheaf::server {
namespace {

constexpr int kAnswerBytesMax = 64 << 20;

}  // namespace

void SetLimits(const ServerConfig& config, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(config.max_message_bytes);
  // Answers have bounds of their own, where they are made.
  builder->SetMaxSendMessageSize(
      std::max(config.max_message_bytes, kAnswerBytesMax));
  grpc::ResourceQuota quota("sheafd");
  quota.Resize(config.connection_memory_bytes);
  builder->SetResourceQuota(quota);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                              config.max_concurrent_streams);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
  // A connection ends if it says nothing for the handshake timeout at its
  // start, or has no call for the idle time. Workers and watchers hold calls.
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 5 * 60'000);
  // Clients ping every 30 s, also while nothing is under way.
  builder->AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // A worker or watcher behind a dead network is noticed in 40 s.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
}

ConnectionLimits ConnectionLimitsOf(const ServerConfig& config) {
  ConnectionLimits limits;
  limits.per_address = config.connections_per_address;
  limits.per_local_user = config.connections_per_local_user;
  // The other half is for files.
  limits.total = FileLimit() / 2;
  for (const std::string& text : config.trusted_addresses) {
    limits.trusted.push_back(*ParseAddressRange(text));
  }
  return limits;
}

MaintenanceOptions MaintenanceOptionsOf(const ServerConfig& config) {
  MaintenanceOptions options;
  options.maintenance.events_max = config.events_max;
  options.maintenance.events_keep = config.events_keep;
  options.maintenance.events_hard_max =
      std::max(config.events_max, config.events_hard_max);
  options.maintenance.request_keep = config.request_keep;
  options.artifact_keep = config.artifact_keep;
  return options;
}

absl::StatusOr<LeasePlanner::Options> PlannerOptionsOf(
    const ServerConfig& config) {
  LeasePlanner::Options options;
  options.owner_running_max = config.owner_running_max;
  options.may_split = config.device_profile != "unmeasured";
  options.fair = config.fair_share;
  options.affinity_wait = config.affinity_wait;
  options.placement = *batching::ParsePlacementRule(config.placement);
  for (const std::string& text : config.fair_weights) {
    const size_t colon = text.rfind(':');
    double weight = 0;
    if (colon == std::string::npos ||
        !absl::SimpleAtod(text.substr(colon + 1), &weight) ||
        !(weight > 0 && weight <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "fair_weights: must be like ann:2, with a weight above 0, not '",
          text, "'"));
    }
    options.fairness.weights[text.substr(0, colon)] = weight;
  }
  return options;
}

}  // namespace sheaf::server
