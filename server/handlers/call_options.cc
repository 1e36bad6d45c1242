#include "server/handlers/call_options.h"

#include <utility>

#include "server/admission/caller.h"

namespace sheaf::server {

CallOptions CallOf(const grpc::CallbackServerContext& context,
                   bool cancellable) {
  Caller caller = CallerOf(context.peer());
  CallOptions options;
  options.caller = std::move(caller.connection);
  options.group = std::move(caller.address);
  if (cancellable) {
    options.cancelled = [&context] { return context.IsCancelled(); };
  }
  return options;
}

CallOptions ReplyOf(const grpc::CallbackServerContext& context) {
  CallOptions options = CallOf(context, /*cancellable=*/false);
  options.first = true;
  return options;
}

CallOptions RoomMakingOf(const grpc::CallbackServerContext& context) {
  CallOptions options = CallOf(context);
  options.makes_room = true;
  return options;
}

CallOptions ScanOf(const grpc::CallbackServerContext& context) {
  CallOptions options = CallOf(context);
  options.length = CallOptions::Length::kScan;
  return options;
}

}  // namespace sheaf::server
