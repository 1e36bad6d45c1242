// Tells who calls, as the store's lines know callers: by the connection, and by
// the address from which it comes.
#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "queue/store.h"

namespace sheaf::server {

// The address within a peer of gRPC's ("ipv4:10.0.0.1:4711"), without the
// port. Of IPv6 the first half only: one host has all of the other. All of
// loopback is one address, and so are all UNIX sockets.
std::string AddressOf(std::string_view peer);

// Whether the peer is at a UNIX socket: then it looks like all others there.
bool IsLocalSocket(std::string_view peer);

// A call of this client. Where it is `cancellable`, it ends when the client
// has left: only where `context` lives until the store has answered.
CallOptions CallOf(const grpc::CallbackServerContext& context,
                   bool cancellable = true);
// A reply of a worker: it goes first, and counts although the worker has left.
CallOptions ReplyOf(const grpc::CallbackServerContext& context);
// A call of this client that makes room: taken also while the disk is full.
CallOptions RoomMakingOf(const grpc::CallbackServerContext& context);
// A read that may look at a great part of the store.
CallOptions ScanOf(const grpc::CallbackServerContext& context);

}  // namespace sheaf::server
