// Asks the server for batches that can join those at hand between two steps.
//
// A call waits at the server while rows step; when their number changes, a new
// call takes its place, and the server ends the one before with nothing. So no
// call is broken off whose answer may be on its way with a lease in it.
//
// Owned by the session, called on its thread; answers come on threads of gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "inference/worker/session/client.h"

namespace sheaf::worker {

class Joiner {
 public:
  explicit Joiner(Client* client) : client_(client) {}
  // Ends all calls and waits for that.
  ~Joiner();

  // Has one call wait for what can join `batch`, of `row_count` rows at hand.
  // Cheap, and nothing new where that is asked already or the last question was
  // put a moment ago.
  void Ask(const Terms& terms, const v1::LeasedBatch& batch, int row_count);

  // Batches that have come; mostly none, and then cheap.
  std::vector<v1::LeasedBatch> Take();
  // Whether calls are under way, or answers wait to be taken.
  bool busy() const { return busy_; }
  // Waits until no call is under way, the server having been told in some other
  // way to end them (by any other LeaseBatch). False after `limit`.
  bool WaitQuiet(absl::Duration limit);
  // The worker was told to leave.
  bool drained() const { return drained_; }
  // An error with which an answer may have been lost, and a lease in it.
  absl::Status trouble() const;

  // Ends all calls; what they may have leased is up to a goodbye. Any thread.
  void Cancel();
  // After Cancel: waits for calls to end, and forgets what has come.
  void Reset();

 private:
  struct Call {
    v1::LeaseBatchRequest request;
    v1::LeaseBatchResponse response;
    grpc::ClientContext context;
  };
  using Calls = std::list<Call>;

  void Done(Calls::iterator call, const absl::Status& status);

  Client* const client_;
  std::atomic<bool> busy_ = false;
  std::atomic<bool> drained_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  Calls calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::LeasedBatch> answers_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> has_answer_ = false;
  absl::Status trouble_ ABSL_GUARDED_BY(mutex_);

  // What was asked last.
  std::string batch_;
  int row_count_ = 0;
  std::chrono::steady_clock::time_point ask_time_;
};

}  // namespace sheaf::worker
