// A call whose change takes many transactions (queue/long_changes.h), so that
// others get their turn in between. It ends early where the caller has left or
// the server stops; the parts done by then stay done.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "queue/long_changes.h"
#include "queue/store.h"
#include "server/handlers/call_options.h"
#include "server/handlers/door.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {

// `Change` is a class of queue/long_changes.h; after it is done,
// `answer(const Change&)` fills the response.
template <class Change, class Answer>
class SlicedCall
    : public std::enable_shared_from_this<SlicedCall<Change, Answer>> {
 public:
  SlicedCall(const Door* door, Store* store,
             grpc::CallbackServerContext* context, Change change, Answer answer)
      : door_(*door),
        store_(*store),
        context_(*context),
        reactor_(context->DefaultReactor()),
        before_(std::move(change)),
        after_(before_),
        answer_(std::move(answer)) {}

  grpc::ServerUnaryReactor* Start() {
    auto* reactor = reactor_;
    Next();
    return reactor;
  }

 private:
  static constexpr bool kLooks = requires(Change & change, View& view) {
    change.Look(view);
  };

  void Next() {
    auto me = this->shared_from_this();
    const auto done = [me](const absl::Status& status) { me->Stepped(status); };
    if constexpr (kLooks) {
      if (before_.next() == NextCall::kLook) {
        store_.Read([me](View& view) { return me->Again().Look(view); }, done,
                    before_.scans() ? ScanOf(context_) : CallOf(context_));
        return;
      }
    }
    store_.Write(
        [me](Tx& tx) { return me->Again().Change(tx); }, done,
        Change::kMakesRoom ? RoomMakingOf(context_) : CallOf(context_));
  }

  // A closure may be run again: it begins from the same value each time.
  Change& Again() { return after_ = before_; }

  void Stepped(absl::Status status) {
    if (status.ok()) {
      before_ = std::move(after_);
      const bool more = before_.next() != NextCall::kDone;
      if (more) status = door_.MayGoOn(context_);
      if (more && status.ok()) return Next();
      if (status.ok()) answer_(before_);
    }
    reactor_->Finish(ToGrpcStatus(status));
  }

  const Door& door_;
  Store& store_;
  grpc::CallbackServerContext& context_;
  grpc::ServerUnaryReactor* const reactor_;
  Change before_;
  Change after_;
  Answer answer_;
};

}  // namespace sheaf::server
