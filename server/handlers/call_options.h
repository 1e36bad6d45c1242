// The place of a gRPC call in the lines of the store: whose it is, and how it
// goes there.
#pragma once

#include <grpcpp/grpcpp.h>

#include "queue/store.h"

namespace sheaf::server {

// The options of a call of this client. A `cancellable` call ends when the
// client has left; use it only where `context` lives until the store has
// answered.
CallOptions CallOf(const grpc::CallbackServerContext& context,
                   bool cancellable = true);
// A reply of a worker: it goes first, and counts even if the worker has left.
CallOptions ReplyOf(const grpc::CallbackServerContext& context);
// A call of this client that makes room: the store takes it also while the disk
// is full.
CallOptions RoomMakingOf(const grpc::CallbackServerContext& context);
// A read that may look at a great part of the store.
CallOptions ScanOf(const grpc::CallbackServerContext& context);

}  // namespace sheaf::server
