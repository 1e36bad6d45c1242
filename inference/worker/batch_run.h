// One batch, from its lease to its last outcome: steps the engine, obeys
// orders between steps, sends pictures, tells each run's outcome.
//
// Lives on the session's thread for the time of one batch, and borrows
// everything from the session.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "inference/worker/checkpointer.h"
#include "inference/worker/client.h"
#include "inference/worker/engine.h"
#include "inference/worker/fault_script.h"
#include "inference/worker/lease_keeper.h"
#include "inference/worker/uploader.h"

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

class BatchRun {
 public:
  // Never null, and alive for as long as the BatchRun.
  struct Tools {
    Client* client;
    Engine* engine;
    LeaseKeeper* keeper;
    Uploader* uploader;
    Checkpointer* checkpointer;
    const std::atomic<bool>* stopping;
    const PointHook* at_point;  // May hold no function.
  };

  BatchRun(const Tools& tools, const v1::LeasedBatch& batch,
           const Terms& terms);
  BatchResult Run();

 private:
  void StepUntilAllEnded();
  bool MustDrop() const { return tools_.keeper->lost() || *tools_.stopping; }
  // Leaves at the server where they have got to, when it is time to.
  void SaveRows();
  void ObeyOrders();
  void StopRows(const std::vector<std::string>& runs, bool cancelled);
  // Calls the engine; where it throws, every live row ends with its words.
  std::vector<RowEnd> CallEngine(
      const std::function<std::vector<RowEnd>()>& call);
  void TakeEnds(std::vector<RowEnd> ends);
  void TakePicture(int row, PngMaker picture);
  void TakePreviews(const std::vector<RowSteps>& steps);
  void Tell(int row, v1::RunOutcome outcome);
  v1::RunOutcome MakeOutcome(int row) const;
  v1::RunOutcome MakeFailure(int row, v1::ErrorClass error_class,
                             const std::string& message) const;
  // False where some were dropped, with their rows untold.
  bool AwaitUploads();
  void CancelLiveRows();
  void Release();
  void Reach(FaultPoint point) const;

  const Tools tools_;
  const v1::LeasedBatch& batch_;
  const Terms& terms_;
  std::vector<bool> live_;
  int live_count_ = 0;
  // Uploads end on other threads.
  std::atomic<int> succeeded_ = 0;
  std::atomic<int> failed_ = 0;
};

}  // namespace sheaf::worker
