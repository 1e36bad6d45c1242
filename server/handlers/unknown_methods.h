// Answers calls of methods that no service has: METHOD_NOT_FOUND. gRPC itself
// would say UNIMPLEMENTED without a word.
//
// Owned by the server. Any thread.
#pragma once

#include <grpcpp/generic/async_generic_service.h>

namespace sheaf::server {

class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
};

}  // namespace sheaf::server
