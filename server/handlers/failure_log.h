// Logs every call that fails, once, as its status goes out, whichever handler
// answers it: the method, what its request names, the caller, code, reason and
// error.
//
//   ... warning calls: a call failed method=JobService/SubmitJob
//   code=UNAVAILABLE reason=DISK_FULL caller=ipv4:10.0.0.7:4711
//   queue=queues/night error="..."
//
// A mistake of the caller is of level debug, a refusal for want of room of
// level info; a fault of the server, its disk or its data is a warning or an
// error. At most one line a second of each kind is written, and it says how
// many were left out: nobody can fill the log by failing. Answers of StreamJobs
// that refuse a job count as calls.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace sheaf::server {

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeFailureLog();

}  // namespace sheaf::server
