// A worker's life: register, lease batches, step them, let others join them and
// begin the next while pictures of the last are on their way; register again
// when the server was gone, and leave in order.
//
// Owned by main, which calls Run on one thread and the other functions from
// any. The engine and the client must outlive it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "inference/worker/session/backoff.h"
#include "inference/worker/session/batch_set.h"
#include "inference/worker/session/calibrator.h"
#include "inference/worker/session/checkpointer.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/joiner.h"
#include "inference/worker/session/keeper_pool.h"
#include "inference/worker/session/registration.h"
#include "inference/worker/session/timed_engine.h"
#include "inference/worker/session/uploader.h"

namespace sheaf::worker {

struct SessionOptions {
  // How the worker presents itself; the engine adds its devices.
  v1::RegisterWorkerRequest hello;
  bool once = false;  // Leave after one batch.
  // Let other batches join one at hand.
  bool join = true;
  // A batch younger than this is not worth a question.
  absl::Duration join_age = absl::Milliseconds(50);
  absl::Duration lease_wait = absl::Seconds(30);
  // An engine without a step or a beat for so long is taken for hung. Where one
  // row alone is on it, that row's run has failed, and the server is told so.
  // Then `on_stall` is called, which had better end the process, because
  // nothing else ends a call that never returns. Until then the lease is kept.
  absl::Duration stall_timeout = absl::Minutes(5);
  std::function<void()> on_stall;
  PointHook at_point;
  // Measures the engine's models; null where there is nothing to measure. It
  // must outlive the session.
  Measurer* measurer = nullptr;
  // Also without being told to, once a model has made its first batch.
  bool measures_by_itself = true;
  // A run is saved no more often than this.
  absl::Duration checkpoint_pause = absl::Seconds(1);
  // A batch shows its previews no more often than this.
  absl::Duration preview_pause = absl::Seconds(1);
};

class Session {
 public:
  Session(SessionOptions options, Client* client, Engine* engine);

  // Works until stopped, drained or, with `once`, done: then OK. Stays at it
  // while the server cannot be reached; returns the error where the server
  // refuses this worker for good, and Engine::Health() where that is not OK.
  absl::Status Run();

  // Stops at the next step, hands back what is not finished, leaves.
  void Stop();

  // Says goodbye in place of a Run that does not come back, so that the server
  // hands its runs to others at once and spends no attempt.
  void Abandon();

 private:
  // The life of one registration. OK when leaving.
  absl::Status Serve();
  absl::Status LeaseLoop(const Registration& registration);
  // Until no row is alive and nothing joins any more.
  absl::Status StepAll(const Registration& registration);
  // Asks for a batch; takes it on where there is one.
  absl::StatusOr<bool> Lease(const Registration& registration,
                             absl::Duration wait);
  void BeginJoined(const Terms& terms);
  // Every answer to a question for joining is here, none is under way.
  absl::Status SettleJoins(const Registration& registration);
  void SayGoodbye(const Terms& terms);
  void Drain();
  // Run's thread.
  bool leaving() const {
    return stopping_ || draining_ || once_done_ || !engine_->Health().ok();
  }
  void LogTrouble(const absl::Status& status);
  // Returns early when stopped.
  void Pause(absl::Duration duration);

  const SessionOptions options_;
  Client* const client_;
  Engine* const engine_;
  // The call that Run's thread waits in for the server's pleasure.
  CancelSlot waiting_call_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> draining_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  Terms terms_ ABSL_GUARDED_BY(mutex_);  // Without a worker: not registered.

  // Their threads call back: they come after, and so go before, what is above.
  TimedEngine timed_engine_;
  Calibrator calibrator_;
  KeeperPool keepers_;
  Uploader uploader_;
  Checkpointer checkpointer_;
  Joiner joiner_;
  BatchSet batches_;
  Backoff backoff_;
  int failure_count_ = 0;  // Since the last call that went well.
  bool welcomed_ = false;  // A server of ours has taken this worker once.
  absl::Status refusal_;   // Why the server will never take this worker.
  bool once_done_ = false;
};

}  // namespace sheaf::worker
