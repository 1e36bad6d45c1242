#include "server/handlers/door.h"

#include <utility>

#include "base/status.h"
#include "queue/error.h"
#include "server/wire/message_guard.h"
#include "server/wire/validator.h"

namespace sheaf::server {

absl::Status Door::Check(const grpc::CallbackServerContext& context,
                         const google::protobuf::Message& request) const {
  if (stopping_) {
    return WithRetryAfter(
        Error(Reason::kServerStopping, "the server is stopping"),
        absl::Seconds(2));
  }
  if (context.deadline() <= std::chrono::system_clock::now()) {
    return Error(Reason::kDeadlinePassed,
                 "the call's deadline passed before the server began it");
  }
  SHEAF_RETURN_IF_ERROR(MarkOf(request));
  Violations violations = Validate(request);
  if (!violations.empty()) return InvalidArgument(std::move(violations));
  return absl::OkStatus();
}

absl::StatusOr<Caller> Door::Admit(
    const grpc::CallbackServerContext& context,
    const google::protobuf::Message& request) const {
  SHEAF_RETURN_IF_ERROR(Check(context, request));
  return CallerOf(context.peer());
}

absl::StatusOr<Caller> Door::AdmitChange(
    const grpc::CallbackServerContext& context,
    const google::protobuf::Message& request) const {
  SHEAF_ASSIGN_OR_RETURN(Caller caller, Admit(context, request));
  SHEAF_RETURN_IF_ERROR(changes_.Take(caller));
  return caller;
}

absl::Status Door::MayGoOn(const grpc::CallbackServerContext& context) const {
  if (stopping_) {
    return WithRetryAfter(
        Error(Reason::kServerStopping,
              "the server is stopping; a part of the call is done"),
        absl::Seconds(2));
  }
  if (context.IsCancelled()) {
    return Error(Reason::kCallCancelled,
                 "the caller has left; a part of the call is done");
  }
  return absl::OkStatus();
}

}  // namespace sheaf::server
