// Notices a batch that makes no progress: the engine has neither made a step
// nor beaten for too long.
//
// Values only: it reads neither clock nor engine. Owned by a LeaseReporter,
// whose lock guards it; watches one batch after another.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "inference/worker/session/client.h"

namespace sheaf::worker {

class StallWatch {
 public:
  // `limit`: how long a step may take without a beat.
  explicit StallWatch(absl::Duration limit) : limit_(limit) {}

  void Begin(const v1::LeasedBatch& batch, absl::Time now);
  void Stepped(absl::Time now) { progress_time_ = now; }
  // No row is alive: there is nothing to watch.
  void EngineEnded() { watches_ = false; }

  // True once a batch, when it has stalled. `beats` is Engine::Beats.
  bool Stalls(int64_t beats, absl::Time now);
  // The outcome to tell of a row whose step does not end.
  const v1::RunOutcome& OutcomeOf(int row) const { return outcomes_[row]; }

 private:
  const absl::Duration limit_;
  std::vector<v1::RunOutcome> outcomes_;  // By row.
  bool watches_ = false;
  int64_t beats_ = 0;
  absl::Time progress_time_;  // Of the last step or beat.
};

}  // namespace sheaf::worker
