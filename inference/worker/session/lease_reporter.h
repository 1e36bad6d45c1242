// Keeps one batch's lease: sends its reports and outcomes in time, and takes
// the server's replies, until the server has all outcomes or the lease is gone.
//
// Heartbeat, OutcomeSender and StallWatch decide; this object has the clock,
// the lock, the calls, and a thread that makes them, so that neither a long
// step nor a slow server makes the other wait. Owned by a ReporterPool; serves
// one active batch at a time, from the session's thread. Functions may be
// called from any thread unless they say otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/steady_clock.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/heartbeat.h"
#include "inference/worker/session/outcome_sender.h"
#include "inference/worker/session/stall_watch.h"
#include "inference/worker/session/timed_engine.h"

namespace sheaf::worker {

class LeaseReporter {
 public:
  // The functions are called from the reporter's thread and must return soon.
  struct Options {
    absl::Duration stall_timeout = absl::Minutes(5);
    std::function<void()> on_drain;
    // Called once a batch when the engine has neither made a step nor beaten
    // for `stall_timeout`. If only one run is on the engine, the server is told
    // first that it failed: otherwise one worker after another would take it
    // and die of it. Empty: stalls do not matter.
    std::function<void()> on_stall;
    // Previews hurry a report on, but not more often than this: each report is
    // a write at the server.
    absl::Duration preview_pause = absl::Seconds(1);
    // How long after Hurry a Flush gives up.
    absl::Duration hurry = absl::Milliseconds(1500);
    // Steady, because a jump of the wall clock must not end leases.
    SteadyClock* clock = SteadyClock::Real();
  };

  // `engine` makes the batches; it and `client` outlive the reporter.
  LeaseReporter(Client* client, const TimedEngine* engine, Options options);
  ~LeaseReporter();

  // Session's thread. The lease counts from now.
  void Begin(const v1::LeasedBatch& batch, const Terms& terms);
  void EngineStepped(std::vector<RowSteps> steps, v1::BatchMemory memory = {});
  // Sends the previews with the next report, which comes soon for them (see
  // preview_pause). Each replaces the preview of its row that still waits.
  void TakePreviews(std::vector<RowPreview> previews);
  // No row is alive: from now on outcomes wait, to be told together.
  void EngineEnded();
  // Outcomes wait no longer: the thread tells those there are and all that
  // follow.
  void TellAtOnce();
  // Whether no outcome waits to be told; also true once the lease is lost.
  bool HasToldAll() const;
  // Tells the outcomes that are left. True when the server has them all; false
  // when the lease is lost or, after Hurry, time is over.
  bool Flush();
  // Forgets the batch. Answers to calls that are still under way change
  // nothing.
  void End();

  // While the engine works, the outcome is told at once; after EngineEnded, by
  // Flush or TellAtOnce.
  void AddOutcome(int row, v1::RunOutcome outcome);
  // The replies since the last call, joined. Mostly there are none, and then it
  // is cheap.
  HeartbeatReply TakeReply();
  // The lease is gone: drop everything, report nothing.
  bool lost() const { return lost_; }
  // Reports at once, to hear what the server wants. The next batch reports when
  // it begins, because the server may mean a batch whose lease it has given out
  // and which has not come to us yet.
  void ReportSoon();
  // From now on, Flush gives up after Options::hurry.
  void Hurry();

 private:
  absl::Time Now() const { return options_.clock->Now(); }
  void Work();
  // These functions release the lock during their calls.
  void CheckStall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellStalledRun() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Report() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SendOutcomes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeAnswer(const v1::ReportProgressResponse& answer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // After a call failed: whether to try again. If not, the lease is lost.
  bool MayRetry(const absl::Status& status, std::string_view call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Client* const client_;
  const TimedEngine* const engine_;
  const Options options_;

  mutable absl::Mutex mutex_;
  SteadyCondition changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  // When Flush gives up; the infinite future: never.
  absl::Time flush_end_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  bool held_ ABSL_GUARDED_BY(mutex_) = false;   // There is a batch.
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;  // ReportSoon since Begin.
  // Tells whether an answer is about an earlier batch.
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string batch_ ABSL_GUARDED_BY(mutex_);  // As the log names it.
  Heartbeat heartbeat_ ABSL_GUARDED_BY(mutex_);
  OutcomeSender sender_ ABSL_GUARDED_BY(mutex_);
  StallWatch stall_watch_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> reply_waits_ = false;
  std::atomic<bool> lost_ = false;

  std::thread thread_;
};

}  // namespace sheaf::worker
