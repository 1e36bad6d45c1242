#include "inference/worker/session/outcome_sender.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "inference/worker/session/retry_waits.h"

namespace sheaf::worker {

OutcomeSender::OutcomeSender() : backoff_(kRetryFirst, kRetryLongest) {}

void OutcomeSender::Begin(const v1::LeasedBatch& batch,
                          const std::string& worker) {
  claim_ = LeaseClaim(worker, batch);
  has_outcome_.assign(static_cast<std::size_t>(batch.runs_size()), false);
  memory_.Clear();
  waiting_.clear();
  holds_ = false;
  send_time_ = absl::InfiniteFuture();
  backoff_.Reset();
}

bool OutcomeSender::Add(int row, v1::RunOutcome outcome, absl::Time now) {
  has_outcome_[row] = true;
  waiting_.push_back(std::move(outcome));
  // A retry that is due later sends this outcome too.
  if (holds_ || send_time_ != absl::InfiniteFuture()) return false;
  send_time_ = now;
  return true;
}

void OutcomeSender::Hold() {
  holds_ = true;
  send_time_ = absl::InfiniteFuture();
}

bool OutcomeSender::SendAtOnce(absl::Time now) {
  holds_ = false;
  if (waiting_.empty()) return false;
  send_time_ = now;
  return true;
}

absl::Time OutcomeSender::send_time() const {
  return holds_ || sending_ ? absl::InfiniteFuture() : send_time_;
}

bool OutcomeSender::IsOver() const {
  return HasSentAll() && !FirstOpenRow().has_value();
}

std::optional<int> OutcomeSender::FirstOpenRow() const {
  const auto open = std::find(has_outcome_.begin(), has_outcome_.end(), false);
  if (open == has_outcome_.end()) return std::nullopt;
  return static_cast<int>(open - has_outcome_.begin());
}

v1::FinishRunsRequest OutcomeSender::Take(absl::Duration engine_time) {
  v1::FinishRunsRequest request;
  claim_.ShowIn(&request);
  TellMemory(&request);
  request.mutable_engine_time()->set_seconds(absl::ToInt64Seconds(engine_time));
  request.mutable_engine_time()->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(engine_time % absl::Seconds(1))));
  for (v1::RunOutcome& outcome : waiting_) {
    *request.add_outcomes() = std::move(outcome);
  }
  waiting_.clear();
  send_time_ = absl::InfiniteFuture();
  sending_ = true;
  return request;
}

void OutcomeSender::Sent() {
  sending_ = false;
  backoff_.Reset();
}

void OutcomeSender::Failed(v1::FinishRunsRequest request, absl::Time now) {
  sending_ = false;
  waiting_.insert(waiting_.begin(),
                  std::make_move_iterator(request.mutable_outcomes()->begin()),
                  std::make_move_iterator(request.mutable_outcomes()->end()));
  send_time_ = now + backoff_.Next();
}

}  // namespace sheaf::worker
