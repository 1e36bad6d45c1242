// The batches at hand, whose rows step together: one more may join between two
// steps, and one that has ended closes while others go on.
//
// Owned by the session, and used on its thread alone. Borrows everything from
// it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/worker/session/held_batch.h"
#include "inference/worker/session/keeper_pool.h"

namespace sheaf::worker {

class BatchSet {
 public:
  // Never null, and alive for as long as the set.
  struct Tools {
    Client* client;
    Engine* engine;
    KeeperPool* keepers;
    Uploader* uploader;
    Checkpointer* checkpointer;
    const std::atomic<bool>* stopping;
    const PointHook* at_point;
  };
  // Batches that have ended and are not told yet: with so many, what is slow is
  // not the device, and another batch would only wait with the rest.
  static constexpr int kEndedMax = 4;

  explicit BatchSet(const Tools& tools) : tools_(tools) {}

  // Takes on a leased batch beside those at hand.
  void Begin(v1::LeasedBatch batch, const Terms& terms);
  // Obeys orders, then advances all live rows one step.
  void Step();
  // Tells what there is to tell, waiting for uploads as long as they are
  // wanted. No row is alive.
  void CloseAll();

  int64_t begun_count() const { return next_number_; }
  int live_count() const;
  // Whether a batch that has ended waits for its uploads, and another may be
  // begun meanwhile.
  bool MayOverlap() const;
  // One to be joined: of those at hand for at least `age`, the first that has
  // two steps or more before it. Null where there is none, or where too much
  // waits to be told.
  const v1::LeasedBatch* ToBeJoined(absl::Duration age) const;

 private:
  int EndedCount() const;
  // Empty where the engine threw, with every live row failed.
  std::vector<RowEnd> StepEngine();
  void TakeEnds(std::vector<RowEnd> ends);
  void Settle();
  // Takes it off the list.
  void Forget(std::size_t at, const BatchResult& result);

  const Tools tools_;
  std::vector<std::unique_ptr<HeldBatch>> batches_;
  int64_t next_number_ = 0;
};

}  // namespace sheaf::worker
