// Looks at the bytes of a request before they become a message.
//
// Two bytes of a request can be a run of hundreds of bytes in memory. So items
// are counted, and the memory that they would take is summed up, on the wire's
// own format; a message that takes too much is never parsed. Pure functions.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "google/protobuf/message.h"

namespace sheaf::server {

// A message may always take this much memory, even where the largest message
// allowed is a small one: 100,000 runs are 43 MiB.
inline constexpr int64_t kParsedBytesMin = int64_t{64} << 20;

// INVALID_FIELD where a field has more items than its rule allows, or the
// message would take more than `parsed_bytes_max`; MALFORMED_MESSAGE where the
// bytes are no message of that type.
absl::Status WeighMessage(google::protobuf::io::ZeroCopyInputStream* bytes,
                          const google::protobuf::Descriptor* type,
                          int64_t parsed_bytes_max);

// Fills `message` from `buffer`, which is then empty. Where the bytes cannot be
// read, the message is empty but for a mark, which says why. Always returns OK:
// on an error, gRPC would answer UNIMPLEMENTED without a reason.
grpc::Status ReadGuarded(grpc::ByteBuffer* buffer,
                         google::protobuf::Message* message);

// Why the message could not be read; OK where it was.
absl::Status MarkOf(const google::protobuf::Message& message);

// OVERLOADED: there was no memory for the call.
grpc::Status HandlerHasThrown();

// Sets the bytes of the largest message allowed, for all messages read from now
// on.
void SetMessageBytesMax(int64_t bytes);

}  // namespace sheaf::server
