// The way of a unary call: in at the door, to the store, and answered when the
// store is done. Handlers name a use case and how its result reads on the wire;
// the rest is here, once.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "base/crash_point.h"
#include "queue/store.h"
#include "server/admission/caller.h"
#include "server/handlers/door.h"
#include "server/handlers/sliced_call.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {

// The beginning of an admitted call: the reactor that will answer it, or the
// reason for its refusal.
using Begun = absl::StatusOr<grpc::ServerUnaryReactor*>;

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

// Borrows the door and the store. A value; any thread.
class Calls {
 public:
  Calls(const Door* door, Store* store) : door_(*door), store_(*store) {}

  const Door& door() const { return door_; }
  Store& store() const { return store_; }

  // Calls `begin(const Caller&) -> Begun` where the call may go on.
  template <class Begin>
  grpc::ServerUnaryReactor* Admitted(grpc::CallbackServerContext* context,
                                     const google::protobuf::Message& request,
                                     Begin begin) const {
    return Answered(context, door_.Admit(*context, request), std::move(begin));
  }
  // The same for a call that changes something.
  template <class Begin>
  grpc::ServerUnaryReactor* AdmittedChange(
      grpc::CallbackServerContext* context,
      const google::protobuf::Message& request, Begin begin) const {
    return Answered(context, door_.AdmitChange(*context, request),
                    std::move(begin));
  }

  // Answers with the response as it stands.
  static grpc::ServerUnaryReactor* Done(grpc::CallbackServerContext* context) {
    return End(context, grpc::Status::OK);
  }

  // Runs `use_case(Tx&) -> StatusOr<Result>` on the writer; then, after the
  // commit, `answer(Result&)` fills the response.
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context,
                                  Case use_case, Answer answer,
                                  CallOptions options) const {
    auto* reactor = context->DefaultReactor();
    auto pending =
        internal::MakePending<Tx>(std::move(use_case), std::move(answer));
    store_.Write([pending](Tx& tx) { return pending->Run(tx); },
                 [pending, reactor](const absl::Status& status) {
                   internal::End(reactor, *pending, status);
                 },
                 std::move(options));
    return reactor;
  }
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context,
                                  Case use_case, Answer answer) const {
    return Write(context, std::move(use_case), std::move(answer),
                 CallOf(*context));
  }

  // The same on a snapshot.
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context,
                                 Case use_case, Answer answer,
                                 CallOptions options) const {
    auto* reactor = context->DefaultReactor();
    auto pending =
        internal::MakePending<View>(std::move(use_case), std::move(answer));
    store_.Read(
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
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context,
                                 Case use_case, Answer answer) const {
    return Read(context, std::move(use_case), std::move(answer),
                CallOf(*context));
  }

  // Runs `step(Tx&, State*) -> Status` until it leaves `more` false; then
  // `answer(const State&) -> Status` fills the response.
  template <class State, class Step, class Answer>
  grpc::ServerUnaryReactor* InSlices(grpc::CallbackServerContext* context,
                                     State first, Step step, Answer answer,
                                     CallOptions options) const {
    return std::make_shared<SlicedCall<State, Step, Answer>>(
               &door_, &store_, context, std::move(first), std::move(step),
               std::move(answer), std::move(options))
        ->Next();
  }

 private:
  static grpc::ServerUnaryReactor* End(grpc::CallbackServerContext* context,
                                       const grpc::Status& status) {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  template <class Begin>
  static grpc::ServerUnaryReactor* Answered(
      grpc::CallbackServerContext* context,
      const absl::StatusOr<Caller>& caller, Begin begin) {
    if (!caller.ok()) return End(context, ToGrpcStatus(caller.status()));
    const Begun begun = begin(*caller);
    return begun.ok() ? *begun : End(context, ToGrpcStatus(begun.status()));
  }

  const Door& door_;
  Store& store_;
};

}  // namespace sheaf::server
