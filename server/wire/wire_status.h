// Errors as callers see them: absl::Status, with what queue/error.h put into
// it, as google.rpc.Status with its standard details.
//
// Each failure carries exactly one ErrorInfo (domain "sheaf") and at most one
// of each other detail:
//   BadRequest           the violations
//   PreconditionFailure  FAILED_PRECONDITION and ABORTED
//   QuotaFailure         RESOURCE_EXHAUSTED
//   RetryInfo            the given delay; a second for UNAVAILABLE and
//                        RESOURCE_EXHAUSTED where none was given
// A status without a reason is a fault of ours: callers get INTERNAL and
// nothing of its text, which may speak of files and statements. That goes into
// the log, here.
//
// All of it travels in trailers. A gRPC client takes 8 KiB of them by default,
// and loses the whole error where there is more. So this cuts long messages and
// long lists of violations, and the metadata then says `violationCount`.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace sheaf::server {

google::rpc::Status ToRpcStatus(const absl::Status& status);
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace sheaf::server
