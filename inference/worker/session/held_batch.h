// One batch at hand, from its lease to its last outcome: knows its rows, obeys
// orders about them, sends their pictures, tells each run's outcome.
//
// Owned by a BatchSet, which steps the engine for all of them and calls this on
// the session's thread. Borrows everything from the session. Must not be
// destroyed before Close or Settle says that it is over: uploads call it.
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
#include "inference/worker/session/lease_keeper.h"
#include "inference/worker/session/uploader.h"

namespace sheaf::worker {

// Told when a batch reaches a point outside the engine's steps.
using PointHook =
    std::function<void(FaultPoint point, const v1::LeasedBatch& batch)>;

// What one batch came to.
struct BatchResult {
  enum class End {
    kFinished,  // The server has an outcome for each run.
    kLost,      // The lease is gone, and nothing more was told.
    kReleased,  // Stopped; what was not told has been handed back.
  };
  End end = End::kFinished;
  int succeeded = 0;
  int failed = 0;
};

class HeldBatch {
 public:
  // Never null, and alive for as long as the batch.
  struct Tools {
    Client* client;
    Engine* engine;
    LeaseKeeper* keeper;
    Uploader* uploader;
    Checkpointer* checkpointer;
    const PointHook* at_point;  // May hold no function.
  };

  // `number`: of this batch among all that the session ever held.
  HeldBatch(const Tools& tools, v1::LeasedBatch batch, const Terms& terms,
            int64_t number);

  // Hands its runs to the engine.
  void Begin();

  const v1::LeasedBatch& batch() const { return batch_; }
  LeaseKeeper* keeper() const { return tools_.keeper; }
  int live_count() const { return live_count_; }
  std::chrono::steady_clock::time_point begin_time() const {
    return begin_time_;
  }
  // Of its live rows, the most that one has before it.
  int StepsLeft() const;
  bool Owns(int64_t row) const;

  // Stops the rows that the server wants stopped; all, where the lease is gone.
  void ObeyOrders();
  // Drops all live rows, untold.
  void DropRows();
  // Every live row ends with these words: the engine threw them.
  void Fail(const std::string& message);
  // Rows of this batch that ended.
  void TakeEnds(std::vector<RowEnd> ends);
  // The engine has stepped: tells the keeper where the rows stand, and what
  // they look like and have come to where it is time to. May throw as the
  // engine does.
  void NoteSteps();

  // From here on, no row is alive.
  bool IsUploading() const { return !WaitForUploads(absl::ZeroDuration()); }
  // False if that takes longer than `limit`.
  bool WaitForUploads(absl::Duration limit) const {
    return tools_.uploader->WaitIdle(number_, limit);
  }
  // Others step: outcomes are told as soon as there are pictures to them.
  void LeaveBehind();
  // What it came to, once it is over; does not wait.
  std::optional<BatchResult> Settle();
  // Drops its uploads, with their rows untold.
  void CancelUploads();
  // Nothing is being uploaded: tells what is left, and waits until that is
  // told or no use. With `release` it hands back what was dropped.
  BatchResult Close(bool release);
  // Whether the server could not be told that a batch is handed back.
  bool release_failed() const { return release_failed_; }

 private:
  void StopRows(const std::vector<std::string>& runs, bool cancelled);
  // Ends row `index`; cancels it in the engine where that does not know.
  void EndRow(int index, bool cancel);
  void NoteIfEnded();
  void TakePicture(int index, PngMaker picture);
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
  bool ended_ = false;      // As the keeper knows.
  bool untold_ = false;     // Rows or pictures were dropped.
  bool finishing_ = false;  // kBeforeFinish has been reached.
  bool release_failed_ = false;
  std::vector<RowSteps> steps_;
  // Uploads end on other threads.
  std::atomic<int> succeeded_ = 0;
  std::atomic<int> failed_ = 0;
};

}  // namespace sheaf::worker
