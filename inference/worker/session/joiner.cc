#include "inference/worker/session/joiner.h"

#include <utility>

#include "base/status.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// Longest wait of one call at the server.
constexpr int kWaitSeconds = 30;
// Rows that end one soon after the other are one piece of news.
constexpr std::chrono::milliseconds kAskInterval(50);
// A call is ended by the next; more than these only where no answers come.
constexpr std::size_t kCallsMax = 4;

}  // namespace

Joiner::~Joiner() {
  Cancel();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return calls_.empty(); });
}

void Joiner::Ask(const Terms& terms, const v1::LeasedBatch& batch,
                 int row_count) {
  const auto now = std::chrono::steady_clock::now();
  if (now - ask_time_ < kAskInterval) return;
  std::unique_lock lock(mutex_);
  // What has come is to be counted first.
  if (cancelled_ || has_answer_ || !trouble_.ok()) return;
  if (calls_.size() >= kCallsMax) return;
  if (!calls_.empty() && batch.name() == batch_ && row_count == row_count_) {
    return;
  }
  ask_time_ = now;
  batch_ = batch.name();
  row_count_ = row_count;
  busy_ = true;
  const auto call = calls_.emplace(calls_.end());
  call->request.set_worker(terms.worker);
  call->request.set_worker_secret(terms.secret);
  call->request.mutable_wait()->set_seconds(kWaitSeconds);
  call->request.set_beside(batch.name());
  call->request.set_secret(batch.secret());
  call->request.set_row_count(row_count);
  lock.unlock();
  client_->LeaseBeside(
      call->request, &call->context, &call->response,
      [this, call](const absl::Status& status) { Done(call, status); });
}

void Joiner::Done(Calls::iterator call, const absl::Status& status) {
  std::lock_guard lock(mutex_);
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
  changed_.notify_all();
}

std::vector<v1::LeasedBatch> Joiner::Take() {
  if (!has_answer_) return {};
  std::lock_guard lock(mutex_);
  has_answer_ = false;
  busy_ = !calls_.empty();
  return std::exchange(answers_, {});
}

bool Joiner::WaitQuiet(absl::Duration limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(limit),
                           [this] { return calls_.empty(); });
}

absl::Status Joiner::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

void Joiner::Cancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (Call& call : calls_) call.context.TryCancel();
}

void Joiner::Reset() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return calls_.empty(); });
  cancelled_ = false;
  answers_.clear();
  has_answer_ = false;
  busy_ = false;
  drained_ = false;
  trouble_ = absl::OkStatus();
}

}  // namespace sheaf::worker
