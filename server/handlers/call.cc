#include "server/handlers/call.h"

#include "base/status.h"
#include "server/admission/caller.h"
#include "server/admission/change_limit.h"
#include "server/wire/message_guard.h"

namespace sheaf::server {

absl::Status Admit(const Core& core, const grpc::CallbackServerContext& context,
                   const google::protobuf::Message& request) {
  if (core.stopping) {
    return WithRetryAfter(
        Error(Reason::kServerStopping, "the server is going down"),
        absl::Seconds(2));
  }
  if (context.deadline() <= std::chrono::system_clock::now()) {
    return Error(Reason::kDeadlinePassed,
                 "the call's deadline passed before it was begun");
  }
  SHEAF_RETURN_IF_ERROR(MarkOf(request));
  Violations violations = Validate(request);
  if (!violations.empty()) return InvalidArgument(std::move(violations));
  return absl::OkStatus();
}

absl::Status AdmitChange(const Core& core,
                         const grpc::CallbackServerContext& context,
                         const google::protobuf::Message& request) {
  SHEAF_RETURN_IF_ERROR(Admit(core, context, request));
  return core.changes->Take(AddressOf(context.peer()), context.peer());
}

grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context,
                                 const absl::Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace sheaf::server
