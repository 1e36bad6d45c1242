// The way of a unary call: checked at the door, carried to the store, answered
// when the store is done. Handlers name a use case and how its result reads on
// the wire; the rest is here, once.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "base/crash_point.h"
#include "queue/error.h"
#include "server/admission/caller.h"
#include "server/handlers/core.h"
#include "server/wire/validator.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {

// Why the call may not go on: rules of the request, its deadline, a server
// that is stopping.
absl::Status Admit(const Core& core, const grpc::CallbackServerContext& context,
                   const google::protobuf::Message& request);

// The same, for a call that changes what is there: so many a second are taken
// from one address (server/admission/change_limit.h).
absl::Status AdmitChange(const Core& core,
                         const grpc::CallbackServerContext& context,
                         const google::protobuf::Message& request);

// Ends the call with `status` and nothing else.
grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context,
                                 const absl::Status& status);

namespace internal {

template <class ViewType, class Case, class Result, class Answer>
struct PendingCall {
  Case use_case;
  Answer answer;
  std::optional<Result> result;

  absl::Status Run(ViewType& view) {
    absl::StatusOr<Result> got = use_case(view);
    if (!got.ok()) return got.status();
    result = *std::move(got);
    return absl::OkStatus();
  }
};

template <class ViewType, class Case, class Answer>
auto MakePending(Case use_case, Answer answer) {
  using Result = typename std::invoke_result_t<Case&, ViewType&>::value_type;
  using Pending = PendingCall<ViewType, Case, Result, Answer>;
  return std::make_shared<Pending>(
      Pending{std::move(use_case), std::move(answer), std::nullopt});
}

template <class Pending>
void End(grpc::ServerUnaryReactor* reactor, Pending& pending,
         const absl::Status& status) {
  if (status.ok()) pending.answer(*pending.result);
  reactor->Finish(ToGrpcStatus(status));
}

}  // namespace internal

// `use_case(Tx&) -> StatusOr<Result>` on the writer; then, after the commit,
// `answer(Result&)` fills the response.
template <class Case, class Answer>
grpc::ServerUnaryReactor* WriteCall(Core& core,
                                    grpc::CallbackServerContext* context,
                                    Case use_case, Answer answer,
                                    CallOptions options) {
  auto* reactor = context->DefaultReactor();
  auto pending =
      internal::MakePending<Tx>(std::move(use_case), std::move(answer));
  core.store->Write([pending](Tx& tx) { return pending->Run(tx); },
                    [pending, reactor](const absl::Status& status) {
                      internal::End(reactor, *pending, status);
                    },
                    std::move(options));
  return reactor;
}
template <class Case, class Answer>
grpc::ServerUnaryReactor* WriteCall(Core& core,
                                    grpc::CallbackServerContext* context,
                                    Case use_case, Answer answer) {
  return WriteCall(core, context, std::move(use_case), std::move(answer),
                   CallOf(*context));
}

// The same on a snapshot.
template <class Case, class Answer>
grpc::ServerUnaryReactor* ReadCall(Core& core,
                                   grpc::CallbackServerContext* context,
                                   Case use_case, Answer answer,
                                   CallOptions options) {
  auto* reactor = context->DefaultReactor();
  auto pending =
      internal::MakePending<View>(std::move(use_case), std::move(answer));
  core.store->Read(
      [pending](View& view) {
        SHEAF_STALL_POINT("mid-read");
        return pending->Run(view);
      },
      [pending, reactor](const absl::Status& status) {
        internal::End(reactor, *pending, status);
      },
      std::move(options));
  return reactor;
}
template <class Case, class Answer>
grpc::ServerUnaryReactor* ReadCall(Core& core,
                                   grpc::CallbackServerContext* context,
                                   Case use_case, Answer answer) {
  return ReadCall(core, context, std::move(use_case), std::move(answer),
                  CallOf(*context));
}

}  // namespace sheaf::server
