// The active batches, whose rows step together. Another batch may join between
// two steps, and a batch that has ended closes while others go on.
//
// Owned by the session and used on its thread alone. Borrows everything from
// the session.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/worker/session/active_batch.h"
#include "inference/worker/session/reporter_pool.h"

namespace sheaf::worker {

class ActiveBatches {
 public:
  // None is null; all outlive the ActiveBatches.
  struct Tools {
    Client* client;
    Engine* engine;
    ReporterPool* reporters;
    Uploader* uploader;
    Checkpointer* checkpointer;
    const std::atomic<bool>* stopping;
    const PointHook* at_point;
  };
  // No batch may begin beside so many that have ended and are not yet told: the
  // device is not the slow part then, and another batch would only wait with
  // the rest.
  static constexpr int kEndedMax = 4;

  explicit ActiveBatches(const Tools& tools) : tools_(tools) {}

  // Takes on a leased batch beside the active ones.
  void Begin(v1::LeasedBatch batch, const Terms& terms);
  // Stops the rows that the server wants stopped, then advances all live rows
  // one step.
  void Step();
  // Needs all rows to have ended. Waits for uploads as long as they are wanted,
  // tells the outcomes that are left, and closes all batches.
  void CloseAll();

  int64_t begun_count() const { return next_number_; }
  int live_count() const;
  // Whether another batch may begin while one that has ended waits for its
  // uploads.
  bool MayOverlap() const;
  // The batch that others may join: the first that is at least `age` old and
  // has two or more steps left. Null if there is none, or if too many ended
  // batches (kEndedMax) wait to be told.
  const v1::LeasedBatch* ToBeJoined(absl::Duration age) const;

 private:
  int EndedCount() const;
  // If the engine throws, fails every live row and returns nothing.
  std::vector<RowEnd> StepEngine();
  void TakeEnds(std::vector<RowEnd> ends);
  void Settle();
  // Removes the batch from the list.
  void Forget(std::size_t at, const BatchResult& result);

  const Tools tools_;
  std::vector<std::unique_ptr<ActiveBatch>> batches_;
  int64_t next_number_ = 0;
};

}  // namespace sheaf::worker
