// The outcomes of one lease's runs: which of them wait, when to send them, and
// what the server is told. An outcome is kept until the server has it or the
// lease is gone.
//
// Values only: it makes no call and reads no clock. Owned by a LeaseReporter,
// whose lock guards it; serves one lease after another.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/backoff.h"
#include "inference/worker/session/client.h"
#include "inference/worker/session/lease_claim.h"

namespace sheaf::worker {

class OutcomeSender {
 public:
  OutcomeSender();

  // Outcomes are sent as they come, until Hold. A call that is under way for an
  // earlier lease must still end before another begins.
  void Begin(const v1::LeasedBatch& batch, const std::string& worker);
  // Drops the outcomes that wait.
  void End() { waiting_.clear(); }

  // The memory that the rows hold, to go with the next outcomes.
  void SetMemory(v1::BatchMemory memory) { memory_ = std::move(memory); }
  // Writes it into a request, unless the engine cannot tell.
  template <class Request>
  void TellMemory(Request* request) const {
    if (memory_.row_count() > 0) *request->mutable_memory() = memory_;
  }
  // Takes the outcome of a row. True if it is due now: no earlier outcome has
  // set the time.
  bool Add(int row, v1::RunOutcome outcome, absl::Time now);
  // From now on outcomes wait, to be sent together.
  void Hold();
  // Outcomes wait no longer. True if some are due now.
  bool SendAtOnce(absl::Time now);

  // When the outcomes that wait are to be sent unasked; the infinite future if
  // none are.
  absl::Time send_time() const;
  // When the call that has failed may be repeated.
  absl::Time retry_time() const { return send_time_; }
  // No outcome waits, and none is under way.
  bool HasSentAll() const { return !sending_ && waiting_.empty(); }
  bool is_sending() const { return sending_; }
  // The server has an outcome for each run.
  bool IsOver() const;
  // By row; a row without an outcome is alive as far as the server knows.
  const std::vector<bool>& has_outcome() const { return has_outcome_; }
  // The first row without an outcome.
  std::optional<int> FirstOpenRow() const;

  // A call with the outcomes that wait. Then one of the three below follows.
  v1::FinishRunsRequest Take(absl::Duration engine_time);
  void Sent();
  // The call failed: its outcomes go again, before later ones.
  void Failed(v1::FinishRunsRequest request, absl::Time now);
  // The answer does not matter: the lease is gone, or was an earlier one.
  void Dropped() { sending_ = false; }

 private:
  LeaseClaim claim_;
  std::vector<bool> has_outcome_;
  v1::BatchMemory memory_;
  std::vector<v1::RunOutcome> waiting_;
  bool holds_ = false;
  bool sending_ = false;
  // When to send unless it holds; the infinite future: not yet.
  absl::Time send_time_ = absl::InfiniteFuture();
  Backoff backoff_;
};

}  // namespace sheaf::worker
