// Decides whether a call may go on, before any of its work is done: checks the
// rules of its request, its deadline, whether the server stops, and how many
// changes its address may ask for. Borrowed by the handlers; any thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/admission/caller.h"
#include "server/admission/change_limit.h"

namespace sheaf::server {

class Door {
 public:
  // Borrows both.
  Door(const std::atomic<bool>* stopping, ChangeLimit* changes)
      : stopping_(*stopping), changes_(*changes) {}

  // Whether the call, or the next message of its stream, may go on; if not,
  // the error that says why.
  absl::Status Check(const grpc::CallbackServerContext& context,
                     const google::protobuf::Message& request) const;
  // The same for a call that begins: answers the caller.
  absl::StatusOr<Caller> Admit(const grpc::CallbackServerContext& context,
                               const google::protobuf::Message& request) const;
  // The same for a call that changes something: one address may make only so
  // many of these a second (server/admission/change_limit.h).
  absl::StatusOr<Caller> AdmitChange(
      const grpc::CallbackServerContext& context,
      const google::protobuf::Message& request) const;

  // Whether a call that is under way may begin its next part: SERVER_STOPPING,
  // CALL_CANCELLED.
  absl::Status MayGoOn(const grpc::CallbackServerContext& context) const;

  bool is_closing() const { return stopping_; }

 private:
  const std::atomic<bool>& stopping_;
  ChangeLimit& changes_;
};

}  // namespace sheaf::server
