// A call whose work is done in slices, each a transaction of its own, so that
// others get their turn in between. It ends early where the caller has left or
// the server stops; what was done by then stays done.
#pragma once

#include <memory>
#include <utility>

#include "server/handlers/call.h"

namespace sheaf::server {

// Why no further slice may begin.
inline absl::Status MayGoOn(const Core& core,
                            const grpc::CallbackServerContext& context) {
  if (core.stopping) {
    return WithRetryAfter(
        Error(Reason::kServerStopping,
              "the server is going down; a part of it is done"),
        absl::Seconds(2));
  }
  if (context.IsCancelled()) {
    return Error(Reason::kCallCancelled,
                 "the caller has left; a part of it is done");
  }
  return absl::OkStatus();
}

// State: what the slices hand on to each other, with `bool more`.
template <class State, class Step, class Answer>
class SlicedCall
    : public std::enable_shared_from_this<SlicedCall<State, Step, Answer>> {
 public:
  SlicedCall(Core* core, grpc::CallbackServerContext* context, State first,
             Step step, Answer answer, CallOptions options)
      : core_(*core),
        context_(*context),
        options_(std::move(options)),
        reactor_(context->DefaultReactor()),
        before_(std::move(first)),
        step_(std::move(step)),
        answer_(std::move(answer)) {}

  grpc::ServerUnaryReactor* Next() {
    auto* reactor = reactor_;
    auto me = this->shared_from_this();
    // A closure may be run again: it begins from the same state each time.
    core_.store->Write(
        [me](Tx& tx) {
          me->after_ = me->before_;
          return me->step_(tx, &me->after_);
        },
        [me](const absl::Status& status) { me->Stepped(status); }, options_);
    return reactor;
  }

 private:
  void Stepped(absl::Status status) {
    if (status.ok()) {
      before_ = std::move(after_);
      if (before_.more) status = MayGoOn(core_, context_);
      if (status.ok() && before_.more) {
        Next();
        return;
      }
      if (status.ok()) status = answer_(before_);
    }
    reactor_->Finish(ToGrpcStatus(status));
  }

  Core& core_;
  grpc::CallbackServerContext& context_;
  const CallOptions options_;
  grpc::ServerUnaryReactor* const reactor_;
  State before_;
  State after_;
  Step step_;
  Answer answer_;
};

// `step(Tx&, State*) -> Status` until it leaves `more` false; then
// `answer(const State&) -> Status` fills the response.
template <class State, class Step, class Answer>
grpc::ServerUnaryReactor* InSlices(Core& core,
                                   grpc::CallbackServerContext* context,
                                   State first, Step step, Answer answer,
                                   CallOptions options) {
  return std::make_shared<SlicedCall<State, Step, Answer>>(
             &core, context, std::move(first), std::move(step),
             std::move(answer), std::move(options))
      ->Next();
}

}  // namespace sheaf::server
