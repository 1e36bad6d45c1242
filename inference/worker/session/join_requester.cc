#include "inference/worker/session/join_requester.h"

#include <utility>

#include "base/status.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// Longest wait of one call at the server.
constexpr int kWaitSeconds = 30;
// Shortest time between two questions: rows that end shortly after each other
// cause only one.
constexpr absl::Duration kAskInterval = absl::Milliseconds(50);
// The server ends a call when the next one comes; more calls than this are open
// only if it does not answer.
constexpr std::size_t kCallsMax = 4;

}  // namespace

JoinRequester::~JoinRequester() {
  Cancel();
  absl::MutexLock lock(&mutex_);
  while (!calls_.empty()) changed_.Wait(&mutex_);
}

void JoinRequester::Ask(const Terms& terms, const v1::LeasedBatch& batch,
                        int row_count) {
  const absl::Time now = SteadyClock::Real()->Now();
  if (now - ask_time_ < kAskInterval) return;
  Calls::iterator call;
  {
    absl::MutexLock lock(&mutex_);
    // The rows of a batch that has come must be counted first.
    if (cancelled_ || has_answer_ || !trouble_.ok()) return;
    if (calls_.size() >= kCallsMax) return;
    if (!calls_.empty() && batch.name() == batch_ && row_count == row_count_) {
      return;
    }
    busy_ = true;
    call = calls_.emplace(calls_.end());
    call->request.set_worker(terms.worker);
    call->request.set_worker_secret(terms.secret);
    call->request.mutable_wait()->set_seconds(kWaitSeconds);
    call->request.set_beside(batch.name());
    call->request.set_secret(batch.secret());
    call->request.set_row_count(row_count);
  }
  ask_time_ = now;
  batch_ = batch.name();
  row_count_ = row_count;
  client_->LeaseBeside(
      call->request, &call->context, &call->response,
      [this, call](const absl::Status& status) { Done(call, status); });
}

void JoinRequester::Done(Calls::iterator call, const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) {
    spdlog::debug("nothing joins {}: {}", call->request.beside(),
                  status.ToString());
    if (IsRetryable(status)) trouble_.Update(status);
  }
  if (call->response.drain()) drained_ = true;
  if (call->response.has_batch()) {
    answers_.push_back(std::move(*call->response.mutable_batch()));
    has_answer_ = true;
  }
  calls_.erase(call);
  busy_ = !calls_.empty() || has_answer_;
  changed_.NotifyAll();
}

std::vector<v1::LeasedBatch> JoinRequester::Take() {
  if (!has_answer_) return {};
  absl::MutexLock lock(&mutex_);
  has_answer_ = false;
  busy_ = !calls_.empty();
  return std::exchange(answers_, {});
}

bool JoinRequester::WaitQuiet(absl::Duration limit) {
  const absl::Time end = SteadyClock::Real()->Now() + limit;
  absl::MutexLock lock(&mutex_);
  while (!calls_.empty()) {
    if (!changed_.WaitUntil(&mutex_, end)) break;
  }
  return calls_.empty();
}

absl::Status JoinRequester::trouble() const {
  absl::MutexLock lock(&mutex_);
  return trouble_;
}

void JoinRequester::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  for (Call& call : calls_) call.context.TryCancel();
}

void JoinRequester::Reset() {
  absl::MutexLock lock(&mutex_);
  while (!calls_.empty()) changed_.Wait(&mutex_);
  cancelled_ = false;
  answers_.clear();
  has_answer_ = false;
  busy_ = false;
  drained_ = false;
  trouble_ = absl::OkStatus();
}

}  // namespace sheaf::worker
