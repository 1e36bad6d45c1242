// A call whose work is done in slices, each a transaction of its own, so that
// others get their turn in between. It ends early where the caller has left or
// the server stops; the slices done by then stay done.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "queue/store.h"
#include "server/handlers/door.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {

// The slices hand a `State` on to each other; it has a `bool more`.
template <class State, class Step, class Answer>
class SlicedCall
    : public std::enable_shared_from_this<SlicedCall<State, Step, Answer>> {
 public:
  SlicedCall(const Door* door, Store* store,
             grpc::CallbackServerContext* context, State first, Step step,
             Answer answer, CallOptions options)
      : door_(*door),
        store_(*store),
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
    store_.Write(
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
      if (before_.more) status = door_.MayGoOn(context_);
      if (status.ok() && before_.more) {
        Next();
        return;
      }
      if (status.ok()) status = answer_(before_);
    }
    reactor_->Finish(ToGrpcStatus(status));
  }

  const Door& door_;
  Store& store_;
  grpc::CallbackServerContext& context_;
  const CallOptions options_;
  grpc::ServerUnaryReactor* const reactor_;
  State before_;
  State after_;
  Step step_;
  Answer answer_;
};

}  // namespace sheaf::server
