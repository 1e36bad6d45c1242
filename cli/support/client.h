// The wire, as the commands see it: protobuf in, absl::Status out. The only
// file of cli/ that knows gRPC. Calls block; one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"

namespace sheaf::cli {

// The patience for calls that read all data, or plan a million runs.
inline constexpr absl::Duration kLongWork = absl::Minutes(10);

class Client {
 public:
  struct Options {
    std::string server;      // "HOST:PORT" or "unix:PATH".
    absl::Duration timeout;  // Deadline of every call.
    std::string token;       // Sent with every call unless empty.
  };

  // Connects lazily: an address without a server fails at the first call.
  explicit Client(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Calls `method` ("sheaf.v1.JobService/GetJob") and returns its response.
  // `patience` is added to the deadline, for calls that wait on purpose. Calls
  // that are safe to ask twice are tried again, up to four times, while the
  // server is UNAVAILABLE.
  template <class Response>
  absl::StatusOr<Response> Call(
      std::string_view method, const google::protobuf::MessageLite& request,
      absl::Duration patience = absl::ZeroDuration()) {
    Response response;
    const absl::Status status = Unary(method, request, patience, &response);
    if (!status.ok()) return status;
    return response;
  }

  // Reads a server stream: fills *response and calls `each`, message after
  // message, until the stream ends, `deadline` has passed, or `each` returns
  // false (then OK).
  absl::Status ReadStream(std::string_view method,
                          const google::protobuf::MessageLite& request,
                          absl::Duration deadline,
                          google::protobuf::MessageLite* response,
                          const std::function<bool()>& each);

  // Writes a client stream: calls `next` to fill *request, and sends it, until
  // it returns false.
  absl::Status WriteStream(std::string_view method,
                           google::protobuf::MessageLite* request,
                           const std::function<bool()>& next,
                           absl::Duration deadline,
                           google::protobuf::MessageLite* response);

  const std::string& server() const { return options_.server; }
  absl::Duration timeout() const { return options_.timeout; }

 private:
  absl::Status Unary(std::string_view method,
                     const google::protobuf::MessageLite& request,
                     absl::Duration patience,
                     google::protobuf::MessageLite* response);

  struct Wire;
  Options options_;
  std::unique_ptr<Wire> wire_;
};

// The service config: which methods are tried again, how often and when.
std::string RetryServiceConfig();

}  // namespace sheaf::cli
