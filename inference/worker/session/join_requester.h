// Asks the server for batches that can join the active ones between two steps.
//
// A call waits at the server while rows step. When the number of rows changes,
// a new call takes its place, and the server ends the earlier call with an
// empty answer. So no call is cancelled while its answer may be on its way with
// a lease in it.
//
// Owned by the session and called on its thread; answers come on threads of
// gRPC.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <list>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"
#include "inference/worker/session/client.h"

namespace sheaf::worker {

class JoinRequester {
 public:
  explicit JoinRequester(Client* client) : client_(client) {}
  // Cancels all calls and waits for them to end.
  ~JoinRequester();

  // Makes one call wait for a batch that can join `batch`, with `row_count`
  // rows at hand. Cheap; does nothing if the same question waits already, or if
  // the last one was sent a moment ago.
  void Ask(const Terms& terms, const v1::LeasedBatch& batch, int row_count);

  // Takes the batches that have come. Mostly there are none, and then it is
  // cheap.
  std::vector<v1::LeasedBatch> Take();
  // Whether calls are under way, or answers wait to be taken.
  bool busy() const { return busy_; }
  // Waits until no call is under way. The server must have been told to end the
  // calls (by any other LeaseBatch). False after `limit`.
  bool WaitQuiet(absl::Duration limit);
  // The worker was told to leave.
  bool drained() const { return drained_; }
  // The error of a call whose answer, and a lease in it, may have been lost.
  absl::Status trouble() const;

  // Cancels all calls; only a goodbye hands back leases that they may have won.
  // Any thread.
  void Cancel();
  // After Cancel: waits for the calls to end and forgets their answers.
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
  mutable absl::Mutex mutex_;
  SteadyCondition changed_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  Calls calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::LeasedBatch> answers_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> has_answer_ = false;
  absl::Status trouble_ ABSL_GUARDED_BY(mutex_);

  // The last question.
  std::string batch_;
  int row_count_ = 0;
  absl::Time ask_time_ = absl::InfinitePast();
};

}  // namespace sheaf::worker
