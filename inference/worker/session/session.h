// A worker's life: register, lease batches, step them, let others join them,
// and begin the next batch while pictures of the last are uploaded; register
// again when the server was gone, and leave in order.
//
// Owned by main, which calls Run on one thread and the other functions from
// any. The engine and the client must outlive it.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/steady_clock.h"
#include "inference/worker/session/active_batches.h"
#include "inference/worker/session/checkpointer.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/join_requester.h"
#include "inference/worker/session/model_measuring.h"
#include "inference/worker/session/registration.h"
#include "inference/worker/session/reporter_pool.h"
#include "inference/worker/session/timed_engine.h"
#include "inference/worker/session/uploader.h"

namespace sheaf::worker {

struct SessionOptions {
  // How the worker presents itself; the engine adds its devices and its
  // catalog.
  v1::RegisterWorkerRequest hello;
  bool once = false;  // Leave after one batch.
  // Let other batches join an active one.
  bool join = true;
  // Ask for batches to join only once a batch is this old.
  absl::Duration join_age = absl::Milliseconds(50);
  absl::Duration lease_wait = absl::Seconds(30);
  // An engine without a step or a beat for so long counts as hung. If only one
  // row is on it, the server is told that its run has failed. Then `on_stall`
  // is called, which should end the process, because a call that never returns
  // cannot be ended otherwise. The lease is kept until then.
  absl::Duration stall_timeout = absl::Minutes(5);
  std::function<void()> on_stall;
  PointHook at_point;
  // Measures the engine's models; null if there is nothing to measure. It must
  // outlive the session.
  Measurer* measurer = nullptr;
  // Measure a model unasked after its first batch, if the server lacks
  // profiles.
  bool measures_by_itself = true;
  // A run is saved no more often than this.
  absl::Duration checkpoint_pause = absl::Seconds(1);
  // A batch shows its previews no more often than this.
  absl::Duration preview_pause = absl::Seconds(1);
  // The clock of leases, stalls and checkpoints, and of pauses between tries to
  // register.
  SteadyClock* clock = SteadyClock::Real();
};

class Session {
 public:
  Session(SessionOptions options, Client* client, Engine* engine);

  // Works until stopped, drained or, with `once`, done: then returns OK. Keeps
  // trying while the server cannot be reached. Returns the error if the server
  // refuses this worker for good, and Engine::Health() if that is not OK.
  absl::Status Run();

  // Stops at the next step, hands back unfinished runs and leaves.
  void Stop();

  // Says goodbye when Run does not come back, so that the server hands its runs
  // to others at once and spends no attempt.
  void Abandon();

 private:
  // The life of one registration. OK when leaving.
  absl::Status Serve();
  absl::Status LeaseLoop(const Registration& registration);
  // Steps until no row is alive and no batch joins any more.
  absl::Status StepAll(const Registration& registration);
  // Asks for a batch and takes it on. False if none came.
  absl::StatusOr<bool> Lease(const Registration& registration,
                             absl::Duration wait);
  void BeginJoined(const Terms& terms);
  // Waits until no join request is under way; takes on the batches that came.
  absl::Status SettleJoins(const Registration& registration);
  void SayGoodbye(const Terms& terms);
  void Drain();
  // Run's thread only.
  bool leaving() const {
    return stopping_ || draining_ || once_done_ || !engine_->Health().ok();
  }
  void LogTrouble(const absl::Status& status);
  // Returns early when stopped.
  void Pause(absl::Duration duration);

  const SessionOptions options_;
  Client* const client_;
  Engine* const engine_;
  // The call in which Run's thread waits for the server.
  CancelSlot waiting_call_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> draining_ = false;
  absl::Mutex mutex_;
  SteadyCondition changed_;
  Terms terms_ ABSL_GUARDED_BY(mutex_);  // Worker empty: not registered.

  // The threads of these members call back into those above. So they are
  // declared after those, and destroyed before them.
  TimedEngine timed_engine_;
  ModelMeasuring model_measuring_;
  ReporterPool reporters_;
  Uploader uploader_;
  Checkpointer checkpointer_;
  JoinRequester join_requester_;
  ActiveBatches batches_;
  Backoff backoff_;
  int failure_count_ = 0;  // Since the last call that went well.
  bool welcomed_ = false;  // A server has registered this worker before.
  absl::Status refusal_;   // Why the server will never take this worker.
  bool once_done_ = false;
};

}  // namespace sheaf::worker
