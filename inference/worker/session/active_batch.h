// One active batch, from its lease to its last outcome: knows its rows, stops
// those that the server names, uploads their pictures, and tells each run's
// outcome.
//
// Owned by an ActiveBatches, which steps the engine for all its batches and
// calls this object on the session's thread. Borrows everything from the
// session. Must not be destroyed before Close or Settle returns a result:
// uploads call it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "inference/worker/session/checkpointer.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/engine.h"
#include "inference/worker/session/fault_script.h"
#include "inference/worker/session/lease_reporter.h"
#include "inference/worker/session/uploader.h"

namespace sheaf::worker {

// Called when a batch reaches a point outside the engine's steps.
using PointHook =
    std::function<void(FaultPoint point, const v1::LeasedBatch& batch)>;

// The result of one batch.
struct BatchResult {
  enum class End {
    kFinished,  // The server has an outcome for each run.
    kLost,      // The lease is gone; no more outcomes were told.
    kReleased,  // Stopped; runs that were not told are handed back.
  };
  End end = End::kFinished;
  int succeeded = 0;
  int failed = 0;
};

class ActiveBatch {
 public:
  // None is null; all outlive the batch.
  struct Tools {
    Client* client;
    Engine* engine;
    LeaseReporter* reporter;
    Uploader* uploader;
    Checkpointer* checkpointer;
    const PointHook* at_point;  // May be empty.
  };

  // `number`: this batch's place among all that the session ever held.
  ActiveBatch(const Tools& tools, v1::LeasedBatch batch, const Terms& terms,
              int64_t number);

  // Hands its runs to the engine.
  void Begin();

  const v1::LeasedBatch& batch() const { return batch_; }
  LeaseReporter* reporter() const { return tools_.reporter; }
  int live_count() const { return live_count_; }
  std::chrono::steady_clock::time_point begin_time() const {
    return begin_time_;
  }
  // The most steps that any live row has still to take.
  int StepsLeft() const;
  bool Owns(int64_t row) const;

  // Stops the rows that the server wants stopped, or all rows if the lease is
  // gone.
  void ObeyOrders();
  // Drops all live rows without telling their outcomes.
  void DropRows();
  // Fails every live row with `message`, the words that the engine threw.
  void Fail(const std::string& message);
  // Takes rows of this batch that have ended.
  void TakeEnds(std::vector<RowEnd> ends);
  // Called after the engine has stepped: tells the reporter the step of each
  // row, and takes the previews and checkpoints that are due. Throws whatever
  // the engine throws.
  void NoteSteps();

  // The functions from here on need a batch without live rows.
  bool IsUploading() const { return !WaitForUploads(absl::ZeroDuration()); }
  // False if that takes longer than `limit`.
  bool WaitForUploads(absl::Duration limit) const {
    return tools_.uploader->WaitIdle(number_, limit);
  }
  // Called while other batches step: from now on, each outcome is told as soon
  // as its picture is stored.
  void LeaveBehind();
  // The result once the batch is over; does not wait.
  std::optional<BatchResult> Settle();
  // Drops the uploads; the outcomes of their rows are never told.
  void CancelUploads();
  // Needs all uploads to have ended. Tells the outcomes that are left and waits
  // until the server has them or telling is of no use. With `release`, hands
  // back the runs that were not told.
  BatchResult Close(bool release);
  // Whether the call that hands the batch back has failed.
  bool release_failed() const { return release_failed_; }

 private:
  void StopRows(const std::vector<std::string>& runs, bool cancelled);
  // Ends row `index`; with `cancel`, cancels it in the engine too.
  void EndRow(int index, bool cancel);
  void NoteIfEnded();
  // Uploads the files of a row that ended well, then tells its outcome.
  void TakePictures(int index, std::vector<NamedPng> pictures);
  void TakePreviews();
  void SaveRows();
  bool SaveBeforeRelease(int index);
  void Tell(int index, v1::RunOutcome outcome);
  v1::RunOutcome MakeOutcome(int index) const;
  v1::RunOutcome MakeFailure(int index, v1::ErrorClass error_class,
                             const std::string& message) const;
  BatchResult Finish(BatchResult::End end);
  bool Release();
  void Reach(FaultPoint point);

  const Tools tools_;
  const v1::LeasedBatch batch_;
  const Terms terms_;
  const int64_t number_;
  const std::chrono::steady_clock::time_point begin_time_ =
      std::chrono::steady_clock::now();
  std::optional<int64_t> first_row_;  // None: the engine has not taken it on.
  std::vector<bool> live_;
  int live_count_ = 0;
  bool ended_ = false;      // The reporter knows that no row is alive.
  bool untold_ = false;     // Rows or pictures were dropped.
  bool finishing_ = false;  // kBeforeFinish has been reached.
  bool release_failed_ = false;
  std::vector<RowSteps> steps_;
  // Uploads end on other threads.
  std::atomic<int> succeeded_ = 0;
  std::atomic<int> failed_ = 0;
};

}  // namespace sheaf::worker
