// Keeps one batch's lease: reports progress in time, takes the server's
// replies, and tells outcomes until the server has them or the lease is gone.
//
// Owned by a ReporterPool; serves one active batch at a time, from the
// session's thread. A thread of its own sends the reports, so that neither a
// long step nor a slow server makes the other wait. Functions may be called
// from any thread unless they say otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/registration.h"

namespace sheaf::worker {

// Runs that the server wants stopped, as it named them. It may name them again,
// and may name runs that have ended meanwhile.
struct HeartbeatReply {
  std::vector<std::string> cancel_runs;
  std::vector<std::string> release_runs;
};

// A row's picture as it looked after a step.
struct RowPreview {
  int row = 0;
  int step = 0;
  PngMaker picture;
};

class LeaseReporter {
 public:
  // The functions are called from the reporter's thread and must return soon.
  struct Options {
    absl::Duration stall_timeout = absl::Minutes(5);
    std::function<void()> on_drain;
    // Called once a batch when the engine has neither made a step nor beaten
    // for `stall_timeout`. If only one run is on the engine, the server is told
    // first that it failed: otherwise one worker after another would take it
    // and die of it.
    std::function<void()> on_stall;
    // Engine::Beats; may be null.
    std::function<int64_t()> beats;
    // How long the engine has worked so far; may be null.
    std::function<absl::Duration()> engine_time;
    // How many rows are on the engine, of whatever batches; may be null.
    std::function<int()> engine_rows;
    // Previews hurry a report on, but not more often than this: each report is
    // a write at the server.
    absl::Duration preview_pause = absl::Seconds(1);
    // How long after Hurry a Flush gives up.
    absl::Duration hurry = absl::Milliseconds(1500);
  };

  LeaseReporter(Client* client, Options options);
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
  // Reports at once, to hear what the server wants.
  void ReportSoon();
  // From now on, Flush gives up after Options::hurry.
  void Hurry();

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  void Work();
  // Whether the server has an outcome for each run.
  bool HasEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // These functions release the lock during their calls.
  void CheckStall(Lock& lock);
  void TellStalledRun(Lock& lock);
  void Report(Lock& lock);
  absl::Status SendOutcomes(Lock& lock);
  v1::ReportProgressRequest MakeReport() const;
  // Takes the previews that wait, each with its place in `request`.
  std::vector<std::pair<v1::RunStep*, RowPreview>> PreviewsFor(
      v1::ReportProgressRequest* request);
  void TakeAnswer(const v1::ReportProgressResponse& answer);
  // After a call failed: whether to try again. If not, the lease is lost.
  bool MayRetry(const absl::Status& status, const char* what);
  void Renewed() { lease_end_ = Clock::now() + lease_duration_; }

  Client* const client_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool quitting_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurried_ ABSL_GUARDED_BY(mutex_) = false;
  Clock::time_point flush_end_ ABSL_GUARDED_BY(mutex_) =
      Clock::time_point::max();

  // The batch. `generation_` tells whether an answer is about an earlier one.
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string worker_ ABSL_GUARDED_BY(mutex_);
  std::string batch_ ABSL_GUARDED_BY(mutex_);
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string secret_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> runs_ ABSL_GUARDED_BY(mutex_);
  // The outcome to tell for each run if its step never ends.
  std::vector<v1::RunOutcome> stalls_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<RowSteps> steps_ ABSL_GUARDED_BY(mutex_);
  bool engine_works_ ABSL_GUARDED_BY(mutex_) = false;
  bool telling_ ABSL_GUARDED_BY(mutex_) = false;  // Outcomes do not wait.
  bool stall_told_ ABSL_GUARDED_BY(mutex_) = false;
  Clock::time_point step_time_ ABSL_GUARDED_BY(mutex_);  // Last step or beat.
  int64_t beats_ ABSL_GUARDED_BY(mutex_) = 0;

  // By the steady clock, because a jump of the wall clock must not end leases.
  // The lease counts from the arrival of an answer, so it never ends earlier
  // than by the server's own count.
  Clock::duration lease_duration_ ABSL_GUARDED_BY(mutex_);
  Clock::duration report_interval_ ABSL_GUARDED_BY(mutex_);
  Clock::time_point lease_end_ ABSL_GUARDED_BY(mutex_);
  Clock::time_point report_time_ ABSL_GUARDED_BY(mutex_);
  Clock::time_point last_report_time_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, RowPreview> previews_
      ABSL_GUARDED_BY(mutex_);  // By run.
  std::size_t preview_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  // When to tell pending outcomes; max: not before Flush.
  Clock::time_point send_time_ ABSL_GUARDED_BY(mutex_);
  bool sending_ ABSL_GUARDED_BY(mutex_) = false;
  v1::BatchMemory memory_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::RunOutcome> pending_ ABSL_GUARDED_BY(mutex_);
  Backoff report_backoff_ ABSL_GUARDED_BY(mutex_);
  Backoff send_backoff_ ABSL_GUARDED_BY(mutex_);

  HeartbeatReply orders_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> orders_wait_ = false;
  std::atomic<bool> lost_ = false;

  std::thread thread_;
};

}  // namespace sheaf::worker
