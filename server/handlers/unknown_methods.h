// Answers calls of methods that no service has: METHOD_NOT_FOUND. gRPC itself
// would say UNIMPLEMENTED without a word.
//
// Owned by the server. Any thread.
#pragma once

// In this order: gRPC's header uses its way of reading, which the other
// changes.
// clang-format off
#include "server/wire/guarded_messages.h"
#include <grpcpp/generic/async_generic_service.h>
// clang-format on

namespace sheaf::server {

class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
};

}  // namespace sheaf::server
