#include "inference/worker/session/active_batch.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "inference/worker/session/lease_claim.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

constexpr absl::Duration kReleaseDeadline = absl::Seconds(1);
constexpr std::size_t kMessageBytesMax = 4096;

// An engine's message may be long and need not be text. The wire takes 4096
// bytes of UTF-8 and refuses the whole call otherwise.
std::string ToWireText(const std::string& message) {
  std::string text = message.substr(0, kMessageBytesMax);
  for (char& c : text) {
    const bool printable = c >= 0x20 && c < 0x7f;
    if (!printable && c != '\n' && c != '\t') c = '?';
  }
  return text;
}

// The files of one row on their way; uploading threads share it.
struct Sending {
  Sending(v1::RunOutcome success, std::size_t files)
      : outcome(std::move(success)), open(files) {}

  absl::Mutex mutex;
  v1::RunOutcome outcome ABSL_GUARDED_BY(mutex);
  std::size_t open ABSL_GUARDED_BY(mutex);
};

}  // namespace

ActiveBatch::ActiveBatch(const Tools& tools, v1::LeasedBatch batch,
                         const Terms& terms, int64_t number)
    : tools_(tools),
      batch_(std::move(batch)),
      terms_(terms),
      number_(number),
      live_(batch_.runs_size(), true),
      live_count_(batch_.runs_size()),
      steps_(batch_.runs_size()) {}

void ActiveBatch::Begin() {
  Reach(FaultPoint::kLease);
  tools_.reporter->Begin(batch_, terms_);
  first_row_ = tools_.engine->Add(batch_);
  for (int index = 0; index < batch_.runs_size(); ++index) {
    steps_[index] = tools_.engine->StepsOf(*first_row_ + index);
    tools_.checkpointer->Begun(batch_.runs(index).run(), steps_[index]);
  }
}

int ActiveBatch::StepsLeft() const {
  int most = 0;
  for (std::size_t index = 0; index < live_.size(); ++index) {
    if (!live_[index]) continue;
    most = std::max(most, steps_[index].step_count - steps_[index].step);
  }
  return most;
}

bool ActiveBatch::Owns(int64_t row) const {
  return first_row_ && row >= *first_row_ &&
         row < *first_row_ + batch_.runs_size();
}

void ActiveBatch::ObeyOrders() {
  if (tools_.reporter->lost()) return DropRows();
  const HeartbeatReply orders = tools_.reporter->TakeReply();
  StopRows(orders.cancel_runs, /*cancelled=*/true);
  StopRows(orders.release_runs, /*cancelled=*/false);
  NoteIfEnded();
}

void ActiveBatch::StopRows(const std::vector<std::string>& runs,
                           bool cancelled) {
  if (runs.empty()) return;
  // After one save that fails, the other rows are not saved: the server is
  // away.
  bool saves = !cancelled;
  for (int index = 0; index < batch_.runs_size(); ++index) {
    if (!live_[index]) continue;
    const std::string& run = batch_.runs(index).run();
    if (std::find(runs.begin(), runs.end(), run) == runs.end()) continue;
    spdlog::debug("{}: {} as ordered", run,
                  cancelled ? "cancelled" : "released");
    saves = saves && SaveBeforeRelease(index);
    EndRow(index, /*cancel=*/true);
    v1::RunOutcome outcome = MakeOutcome(index);
    cancelled ? outcome.set_cancelled(true) : outcome.set_released(true);
    Tell(index, std::move(outcome));
  }
}

void ActiveBatch::DropRows() {
  for (int index = 0; index < batch_.runs_size(); ++index) {
    if (!live_[index]) continue;
    EndRow(index, /*cancel=*/true);
    untold_ = true;
  }
  NoteIfEnded();
}

void ActiveBatch::EndRow(int index, bool cancel) {
  live_[index] = false;
  --live_count_;
  tools_.checkpointer->Ended(batch_.runs(index).run());
  if (cancel && first_row_) tools_.engine->Cancel(*first_row_ + index);
}

// Comes before the last outcomes are added, so that one call tells them all.
void ActiveBatch::NoteIfEnded() {
  if (live_count_ > 0 || std::exchange(ended_, true)) return;
  tools_.reporter->EngineEnded();
}

void ActiveBatch::Fail(const std::string& message) {
  spdlog::error("{}: the engine failed: {}", batch_.name(), message);
  std::vector<int> failed;
  for (int index = 0; index < batch_.runs_size(); ++index) {
    if (!live_[index]) continue;
    EndRow(index, /*cancel=*/true);
    failed.push_back(index);
  }
  NoteIfEnded();
  for (const int index : failed) {
    ++failed_;
    Tell(index, MakeFailure(index, v1::ERROR_CLASS_ENGINE, message));
  }
}

void ActiveBatch::TakeEnds(std::vector<RowEnd> ends) {
  for (const RowEnd& end : ends) {
    EndRow(static_cast<int>(end.row - *first_row_), /*cancel=*/false);
  }
  NoteIfEnded();
  for (RowEnd& end : ends) {
    const auto index = static_cast<int>(end.row - *first_row_);
    if (end.failed()) {
      ++failed_;
      Tell(index, MakeFailure(index, end.error_class, end.error_message));
    } else if (!end.make_png && end.png.empty()) {
      ++succeeded_;
      v1::RunOutcome outcome = MakeOutcome(index);
      outcome.mutable_success();
      Tell(index, std::move(outcome));
    } else {
      if (!end.make_png) {
        end.make_png = [png = std::move(end.png)] { return png; };
      }
      std::vector<NamedPng> pictures = std::move(end.more);
      pictures.insert(pictures.begin(), {"image", std::move(end.make_png)});
      TakePictures(index, std::move(pictures));
    }
  }
}

void ActiveBatch::NoteSteps() {
  for (int index = 0; index < batch_.runs_size(); ++index) {
    if (live_[index]) {
      steps_[index] = tools_.engine->StepsOf(*first_row_ + index);
    }
  }
  tools_.reporter->EngineStepped(steps_, tools_.engine->Memory());
  TakePreviews();
  SaveRows();
}

void ActiveBatch::TakePreviews() {
  if (batch_.preview_steps() == 0) return;
  std::vector<RowPreview> previews;
  for (int index = 0; index < batch_.runs_size(); ++index) {
    const int step = steps_[index].step;
    if (!live_[index] || step == 0 || step % batch_.preview_steps() != 0) {
      continue;
    }
    if (PngMaker picture = tools_.engine->Preview(*first_row_ + index)) {
      previews.push_back({index, step, std::move(picture)});
    }
  }
  if (!previews.empty()) tools_.reporter->TakePreviews(std::move(previews));
}

void ActiveBatch::SaveRows() {
  for (int index = 0; index < batch_.runs_size(); ++index) {
    if (!live_[index]) continue;
    tools_.checkpointer->Stepped(
        terms_.worker, batch_, index, steps_[index].step,
        [this, index] { return tools_.engine->Save(*first_row_ + index); });
  }
}

// Saves the row, so that the next worker of the run repeats no step. False if
// the server did not take it.
bool ActiveBatch::SaveBeforeRelease(int index) {
  try {
    return tools_.checkpointer->HandBack(
        terms_.worker, batch_, index, steps_[index].step,
        [this, index] { return tools_.engine->Save(*first_row_ + index); });
  } catch (const std::exception& error) {
    spdlog::warn("{}: could not be saved: {}", batch_.runs(index).run(),
                 error.what());
    return true;
  }
}

void ActiveBatch::TakePictures(int index, std::vector<NamedPng> pictures) {
  v1::RunOutcome outcome = MakeOutcome(index);
  for (const NamedPng& picture : pictures) {
    v1::Output* output = outcome.mutable_success()->add_outputs();
    output->set_name(picture.name);
    output->set_media_type("image/png");
  }
  const auto sending =
      std::make_shared<Sending>(std::move(outcome), pictures.size());
  for (std::size_t place = 0; place < pictures.size(); ++place) {
    tools_.uploader->Upload(
        number_, std::move(pictures[place].make),
        [this, index, place, sending](absl::StatusOr<std::string> name,
                                      v1::ErrorClass error_class) {
          absl::MutexLock lock(&sending->mutex);
          v1::RunOutcome& told = sending->outcome;
          if (!name.ok()) {
            told = MakeFailure(
                index, error_class,
                "the picture could not be stored: " + name.status().ToString());
          } else if (!told.has_failure()) {
            told.mutable_success()
                ->mutable_outputs(static_cast<int>(place))
                ->set_artifact(*std::move(name));
          }
          if (--sending->open > 0) return;
          ++(told.has_failure() ? failed_ : succeeded_);
          Tell(index, std::move(told));
        });
  }
}

void ActiveBatch::Tell(int index, v1::RunOutcome outcome) {
  tools_.reporter->AddOutcome(index, std::move(outcome));
}

v1::RunOutcome ActiveBatch::MakeOutcome(int index) const {
  v1::RunOutcome outcome;
  outcome.set_run(batch_.runs(index).run());
  outcome.set_attempt(batch_.runs(index).attempt());
  return outcome;
}

v1::RunOutcome ActiveBatch::MakeFailure(int index, v1::ErrorClass error_class,
                                        const std::string& message) const {
  v1::RunOutcome outcome = MakeOutcome(index);
  outcome.mutable_failure()->set_error_class(error_class);
  outcome.mutable_failure()->set_message(ToWireText(message));
  return outcome;
}

void ActiveBatch::LeaveBehind() {
  if (finishing_) return;
  Reach(FaultPoint::kBeforeFinish);
  tools_.reporter->TellAtOnce();
}

std::optional<BatchResult> ActiveBatch::Settle() {
  if (tools_.reporter->lost()) CancelUploads();
  // Check in this order: an upload tells its outcome before it counts as ended.
  if (IsUploading() || !tools_.reporter->HasToldAll()) return std::nullopt;
  if (tools_.reporter->lost()) return Finish(BatchResult::End::kLost);
  return Finish(BatchResult::End::kFinished);
}

void ActiveBatch::CancelUploads() {
  if (!IsUploading()) return;
  tools_.uploader->Cancel(number_);
  untold_ = true;
}

BatchResult ActiveBatch::Close(bool release) {
  if (!finishing_) Reach(FaultPoint::kBeforeFinish);
  const bool told_all = tools_.reporter->Flush() && !untold_;
  if (tools_.reporter->lost()) return Finish(BatchResult::End::kLost);
  if (told_all) return Finish(BatchResult::End::kFinished);
  if (release) release_failed_ = !Release();
  return Finish(BatchResult::End::kReleased);
}

BatchResult ActiveBatch::Finish(BatchResult::End end) {
  if (end == BatchResult::End::kFinished) Reach(FaultPoint::kAfterFinish);
  tools_.reporter->End();
  return {end, succeeded_, failed_};
}

bool ActiveBatch::Release() {
  v1::ReleaseLeaseRequest request;
  LeaseClaim(terms_.worker, batch_).ShowIn(&request);
  const absl::Status status =
      tools_.client->ReleaseLease(request, kReleaseDeadline);
  if (!status.ok()) {
    spdlog::warn("{} epoch {}: ReleaseLease failed: {}", batch_.name(),
                 batch_.epoch(), status.ToString());
  }
  return status.ok();
}

void ActiveBatch::Reach(FaultPoint point) {
  if (point == FaultPoint::kBeforeFinish) finishing_ = true;
  if (*tools_.at_point) (*tools_.at_point)(point, batch_);
}

}  // namespace sheaf::worker
