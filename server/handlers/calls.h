// The way of a unary call: in at the door, to the store, and answered when the
// store is done. Handlers name a use case and how its result reads on the wire;
// the rest is here, once.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "base/crash_point.h"
#include "queue/store.h"
#include "server/admission/caller.h"
#include "server/handlers/call_options.h"
#include "server/handlers/door.h"
#include "server/handlers/sliced_call.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {

// The beginning of an admitted call: the reactor that will answer it, or the
// reason for its refusal.
using Begun = absl::StatusOr<grpc::ServerUnaryReactor*>;

// The answer of a call whose response says nothing.
inline constexpr auto kNothing = [](const auto&) {};

namespace internal {

// The value that a use case answers beside its status; nothing where it answers
// a status alone.
template <class Outcome>
struct ResultOf {
  using Type = typename Outcome::value_type;
};
template <>
struct ResultOf<absl::Status> {
  using Type = std::monostate;
};

template <class ViewType, class Case, class Answer>
struct PendingCall {
  using Outcome = std::invoke_result_t<Case&, ViewType&>;

  Case use_case;
  Answer answer;
  std::optional<typename ResultOf<Outcome>::Type> result;

  absl::Status Run(ViewType& view) {
    if constexpr (std::is_same_v<Outcome, absl::Status>) {
      result.emplace();
      return use_case(view);
    } else {
      Outcome got = use_case(view);
      if (!got.ok()) return got.status();
      result = *std::move(got);
      return absl::OkStatus();
    }
  }
};

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

  // Runs `use_case(Tx&)`, which answers StatusOr<Result> or Status, on the
  // writer; then, after the commit, `answer(Result&)` fills the response.
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context,
                                  Case use_case, Answer answer,
                                  CallOptions options) const {
    return Ask<Tx>(context, std::move(use_case), std::move(answer),
                   std::move(options));
  }
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context,
                                  Case use_case, Answer answer) const {
    return Ask<Tx>(context, std::move(use_case), std::move(answer),
                   CallOf(*context));
  }

  // The same with `use_case(View&)` on a snapshot.
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context,
                                 Case use_case, Answer answer,
                                 CallOptions options) const {
    return Ask<View>(context, std::move(use_case), std::move(answer),
                     std::move(options));
  }
  template <class Case, class Answer>
  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context,
                                 Case use_case, Answer answer) const {
    return Ask<View>(context, std::move(use_case), std::move(answer),
                     CallOf(*context));
  }

  // Makes the change, one transaction after another; then
  // `answer(const Change&)` fills the response (sliced_call.h).
  template <class Change, class Answer>
  grpc::ServerUnaryReactor* InSlices(grpc::CallbackServerContext* context,
                                     Change change, Answer answer) const {
    return std::make_shared<SlicedCall<Change, Answer>>(
               &door_, &store_, context, std::move(change), std::move(answer))
        ->Start();
  }

  // Calls `start(done)`, where `done(StatusOr<Result>)` is called later, once,
  // by any thread; then `answer(Result&)` fills the response.
  template <class Result, class Start, class Answer>
  static grpc::ServerUnaryReactor* Await(grpc::CallbackServerContext* context,
                                         Start start, Answer answer) {
    auto* reactor = context->DefaultReactor();
    start([reactor, answer](absl::StatusOr<Result> result) {
      if (result.ok()) answer(*result);
      reactor->Finish(ToGrpcStatus(result.status()));
    });
    return reactor;
  }

  // The same where `done` is called with a Status, and the response says
  // nothing.
  template <class Start>
  static grpc::ServerUnaryReactor* Await(grpc::CallbackServerContext* context,
                                         Start start) {
    auto* reactor = context->DefaultReactor();
    start([reactor](const absl::Status& status) {
      reactor->Finish(ToGrpcStatus(status));
    });
    return reactor;
  }

  // Whether the answer is of no use any more; while the call lives.
  std::function<bool()> HasLeft(grpc::CallbackServerContext* context) const {
    return [door = &door_, context] {
      return door->is_closing() || context->IsCancelled();
    };
  }

 private:
  template <class ViewType, class Case, class Answer>
  grpc::ServerUnaryReactor* Ask(grpc::CallbackServerContext* context,
                                Case use_case, Answer answer,
                                CallOptions options) const {
    using Pending = internal::PendingCall<ViewType, Case, Answer>;
    auto* reactor = context->DefaultReactor();
    auto pending = std::make_shared<Pending>(
        Pending{std::move(use_case), std::move(answer), std::nullopt});
    auto done = [pending, reactor](const absl::Status& status) {
      if (status.ok()) pending->answer(*pending->result);
      reactor->Finish(ToGrpcStatus(status));
    };
    if constexpr (std::is_same_v<ViewType, Tx>) {
      store_.Write([pending](Tx& tx) { return pending->Run(tx); },
                   std::move(done), std::move(options));
    } else {
      store_.Read(
          [pending](View& view) {
            SHEAF_STALL_POINT("mid-read");
            return pending->Run(view);
          },
          std::move(done), std::move(options));
    }
    return reactor;
  }

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
