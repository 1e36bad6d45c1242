// The worker's registration at the server: the RegisterWorker stream, open for
// as long as the object lives. The server takes the stream's end for the
// worker's death.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/steady_clock.h"
#include "inference/worker/session/client.h"

namespace sheaf::worker {

class Registration {
 public:
  // Called from the stream's own thread, for every message and once at the
  // stream's end. They must neither block nor destroy the registration.
  struct Listener {
    std::function<void(const v1::WorkerSignal&)> on_signal;
    std::function<void()> on_end;
  };

  // Opens the stream and waits up to kCallDeadline for the first message.
  // Returns the stream's error if it ends first, UNAVAILABLE if no message
  // comes; `slot` may end the wait.
  static absl::StatusOr<std::unique_ptr<Registration>> Open(
      Client* client, const v1::RegisterWorkerRequest& request,
      Listener listener, CancelSlot* slot);
  // Closes the stream.
  ~Registration();

  const Terms& terms() const { return terms_; }
  bool ended() const;

 private:
  Registration(Client* client, const v1::RegisterWorkerRequest& request,
               Listener listener);
  absl::Status AwaitFirstSignal();
  void Listen();

  const Listener listener_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WorkerSignal>> reader_;
  Terms terms_;  // Written before the first signal is announced.
  mutable absl::Mutex mutex_;
  SteadyCondition changed_;
  bool welcomed_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace sheaf::worker
