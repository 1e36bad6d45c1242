#include "inference/worker/session/active_batches.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

#include "absl/time/time.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// How often a wait for uploads checks whether they are still wanted.
constexpr absl::Duration kUploadGlance = absl::Milliseconds(100);
constexpr int kUploadGlancesWhenStopping = 10;

const char* Name(BatchResult::End end) {
  switch (end) {
    case BatchResult::End::kFinished:
      return "finished";
    case BatchResult::End::kLost:
      return "lost";
    case BatchResult::End::kReleased:
      return "released";
  }
  return "";
}

// The words of the exception that `call` threw; nothing if it threw none.
std::optional<std::string> WordsThrownBy(const std::function<void()>& call) {
  try {
    call();
    return std::nullopt;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "the engine threw an object that is not an exception";
  }
}

}  // namespace

void ActiveBatches::Begin(v1::LeasedBatch batch, const Terms& terms) {
  spdlog::debug("{} epoch {}: leased with {} runs, beside {} rows",
                batch.name(), batch.epoch(), batch.runs_size(), live_count());
  for (const auto& held : batches_) {
    if (held->live_count() == 0) held->LeaveBehind();
  }
  const ActiveBatch::Tools tools = {
      tools_.client,   tools_.engine,       tools_.reporters->Take(),
      tools_.uploader, tools_.checkpointer, tools_.at_point};
  batches_.push_back(std::make_unique<ActiveBatch>(tools, std::move(batch),
                                                   terms, next_number_++));
  ActiveBatch* const held = batches_.back().get();
  const auto words = WordsThrownBy([held] { held->Begin(); });
  if (words) held->Fail(*words);
}

void ActiveBatches::Step() {
  for (const auto& held : batches_) {
    held->ObeyOrders();
    if (*tools_.stopping) held->DropRows();
  }
  if (live_count() > 0) TakeEnds(StepEngine());
  if (live_count() > 0) Settle();
}

std::vector<RowEnd> ActiveBatches::StepEngine() {
  std::vector<RowEnd> ends;
  const auto words = WordsThrownBy([&] { ends = tools_.engine->Step(); });
  if (!words) return ends;
  for (const auto& held : batches_) {
    if (held->live_count() > 0) held->Fail(*words);
  }
  return {};
}

void ActiveBatches::TakeEnds(std::vector<RowEnd> ends) {
  for (const auto& held : batches_) {
    if (held->live_count() == 0) continue;
    const auto mine = std::stable_partition(
        ends.begin(), ends.end(),
        [&](const RowEnd& end) { return !held->Owns(end.row); });
    std::vector<RowEnd> own(std::make_move_iterator(mine),
                            std::make_move_iterator(ends.end()));
    ends.erase(mine, ends.end());
    held->TakeEnds(std::move(own));
    const auto words = WordsThrownBy([&held] { held->NoteSteps(); });
    if (words) held->Fail(*words);
  }
}

// Closes batches that have ended while others go on.
void ActiveBatches::Settle() {
  for (std::size_t at = batches_.size(); at-- > 0;) {
    if (batches_[at]->live_count() > 0) continue;
    batches_[at]->LeaveBehind();
    if (const auto result = batches_[at]->Settle()) Forget(at, *result);
  }
}

void ActiveBatches::CloseAll() {
  int glances_left = kUploadGlancesWhenStopping;
  bool release = true;
  while (!batches_.empty()) {
    for (std::size_t at = batches_.size(); at-- > 0;) {
      ActiveBatch& held = *batches_[at];
      if (held.reporter()->lost() || glances_left <= 0) held.CancelUploads();
      if (held.IsUploading()) continue;
      const BatchResult result = held.Close(release);
      // The goodbye (DeregisterWorker) hands back the rest.
      if (held.release_failed()) release = false;
      Forget(at, result);
    }
    if (batches_.empty()) return;
    if (batches_[0]->WaitForUploads(kUploadGlance)) continue;
    if (*tools_.stopping) --glances_left;
  }
}

void ActiveBatches::Forget(std::size_t at, const BatchResult& result) {
  const v1::LeasedBatch& batch = batches_[at]->batch();
  spdlog::debug("{} epoch {}: {}, {} succeeded, {} failed", batch.name(),
                batch.epoch(), Name(result.end), result.succeeded,
                result.failed);
  tools_.reporters->Return(batches_[at]->reporter());
  batches_.erase(batches_.begin() + static_cast<std::ptrdiff_t>(at));
}

int ActiveBatches::live_count() const {
  int count = 0;
  for (const auto& held : batches_) count += held->live_count();
  return count;
}

int ActiveBatches::EndedCount() const {
  return static_cast<int>(
      std::count_if(batches_.begin(), batches_.end(),
                    [](const auto& held) { return held->live_count() == 0; }));
}

bool ActiveBatches::MayOverlap() const {
  return EndedCount() < kEndedMax &&
         std::any_of(batches_.begin(), batches_.end(), [](const auto& held) {
           return held->live_count() == 0 && held->IsUploading();
         });
}

const v1::LeasedBatch* ActiveBatches::ToBeJoined(absl::Duration age) const {
  if (EndedCount() >= kEndedMax) return nullptr;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& held : batches_) {
    if (now - held->begin_time() < absl::ToChronoNanoseconds(age)) break;
    if (held->StepsLeft() >= 2) return &held->batch();
  }
  return nullptr;
}

}  // namespace sheaf::worker
