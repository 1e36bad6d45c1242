// The reasons of errors as callers get them.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sheaf::server {

// The reason that a call's status carries; "" where it has none.
inline std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status wire;
  google::rpc::ErrorInfo info;
  wire.ParseFromString(status.error_details());
  for (const auto& detail : wire.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "";
}

}  // namespace sheaf::server
