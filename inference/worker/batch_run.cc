#include "inference/worker/batch_run.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/status.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

constexpr absl::Duration kReleaseDeadline = absl::Seconds(1);
// How often a wait for uploads looks whether they are still wanted.
constexpr absl::Duration kUploadGlance = absl::Milliseconds(100);
constexpr int kUploadGlancesWhenStopping = 10;
constexpr std::size_t kMessageBytesMax = 4096;

// An engine's words may be long and need not be text; the wire takes 4096
// bytes of UTF-8 and refuses the whole report otherwise.
std::string ToWireText(const std::string& message) {
  std::string text = message.substr(0, kMessageBytesMax);
  for (char& c : text) {
    const bool printable = c >= 0x20 && c < 0x7f;
    if (!printable && c != '\n' && c != '\t') c = '?';
  }
  return text;
}

}  // namespace

BatchRun::BatchRun(const Tools& tools, const v1::LeasedBatch& batch,
                   const Terms& terms)
    : tools_(tools),
      batch_(batch),
      terms_(terms),
      live_(batch.runs_size(), true),
      live_count_(batch.runs_size()) {}

BatchResult BatchRun::Run() {
  Reach(FaultPoint::kLease);
  tools_.keeper->Begin(batch_, terms_);
  TakeEnds(CallEngine([this] {
    tools_.engine->Begin(batch_);
    const std::vector<RowSteps> steps = tools_.engine->Steps();
    for (int row = 0; row < batch_.runs_size(); ++row) {
      tools_.checkpointer->Begun(batch_.runs(row).run(), steps[row]);
    }
    return std::vector<RowEnd>();
  }));
  StepUntilAllEnded();
  CancelLiveRows();
  tools_.keeper->EngineEnded();
  const bool all_uploaded = AwaitUploads();
  Reach(FaultPoint::kBeforeFinish);
  const bool told_all = tools_.keeper->Flush() && all_uploaded;
  BatchResult result;
  result.succeeded = succeeded_;
  result.failed = failed_;
  if (tools_.keeper->lost()) {
    result.end = BatchResult::End::kLost;
  } else if (!told_all || live_count_ > 0) {
    Release();
    result.end = BatchResult::End::kReleased;
  } else {
    Reach(FaultPoint::kAfterFinish);
  }
  tools_.keeper->End();
  return result;
}

void BatchRun::StepUntilAllEnded() {
  while (live_count_ > 0) {
    ObeyOrders();
    if (live_count_ == 0 || MustDrop()) return;
    std::vector<RowEnd> ends =
        CallEngine([this] { return tools_.engine->Step(); });
    const std::vector<RowSteps> steps = tools_.engine->Steps();
    tools_.keeper->EngineStepped(steps, tools_.engine->Memory());
    TakeEnds(std::move(ends));
    TakePreviews(steps);
    TakeEnds(CallEngine([this] {
      SaveRows();
      return std::vector<RowEnd>();
    }));
  }
}

void BatchRun::SaveRows() {
  const std::vector<RowSteps> steps = tools_.engine->Steps();
  for (int row = 0; row < batch_.runs_size(); ++row) {
    if (!live_[row]) continue;
    tools_.checkpointer->Stepped(
        terms_.worker, batch_, row, steps[row].step,
        [this, row] { return tools_.engine->Save(row); });
  }
}

void BatchRun::ObeyOrders() {
  const Orders orders = tools_.keeper->TakeOrders();
  StopRows(orders.cancel_runs, /*cancelled=*/true);
  StopRows(orders.release_runs, /*cancelled=*/false);
}

void BatchRun::StopRows(const std::vector<std::string>& runs, bool cancelled) {
  if (runs.empty()) return;
  for (int row = 0; row < batch_.runs_size(); ++row) {
    if (!live_[row]) continue;
    const std::string& run = batch_.runs(row).run();
    if (std::find(runs.begin(), runs.end(), run) == runs.end()) continue;
    spdlog::debug("{}: {} as ordered", run,
                  cancelled ? "cancelled" : "released");
    live_[row] = false;
    tools_.checkpointer->Ended(run);
    --live_count_;
    tools_.engine->Cancel(row);
    v1::RunOutcome outcome = MakeOutcome(row);
    cancelled ? outcome.set_cancelled(true) : outcome.set_released(true);
    Tell(row, std::move(outcome));
  }
}

std::vector<RowEnd> BatchRun::CallEngine(
    const std::function<std::vector<RowEnd>()>& call) {
  std::string message = "the engine threw something that is no exception";
  try {
    return call();
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
  }
  spdlog::error("{}: the engine failed: {}", batch_.name(), message);
  std::vector<RowEnd> ends;
  for (int row = 0; row < batch_.runs_size(); ++row) {
    if (!live_[row]) continue;
    tools_.engine->Cancel(row);
    ends.push_back({row, "", v1::ERROR_CLASS_ENGINE, message});
  }
  return ends;
}

void BatchRun::TakeEnds(std::vector<RowEnd> ends) {
  for (const RowEnd& end : ends) {
    live_[end.row] = false;
    tools_.checkpointer->Ended(batch_.runs(end.row).run());
    --live_count_;
  }
  // Said before the last rows are told, so that they go in one call.
  if (live_count_ == 0) tools_.keeper->EngineEnded();
  for (RowEnd& end : ends) {
    if (end.failed()) {
      ++failed_;
      Tell(end.row, MakeFailure(end.row, end.error_class, end.error_message));
    } else if (end.make_png) {
      TakePicture(end.row, std::move(end.make_png));
    } else if (end.png.empty()) {
      ++succeeded_;
      v1::RunOutcome outcome = MakeOutcome(end.row);
      outcome.mutable_success();
      Tell(end.row, std::move(outcome));
    } else {
      TakePicture(end.row, [png = std::move(end.png)] { return png; });
    }
  }
}

void BatchRun::TakePreviews(const std::vector<RowSteps>& steps) {
  if (batch_.preview_steps() == 0) return;
  std::vector<RowPreview> previews;
  TakeEnds(CallEngine([&] {
    for (int row = 0; row < batch_.runs_size(); ++row) {
      const int step = steps[row].step;
      if (!live_[row] || step == 0 || step % batch_.preview_steps() != 0) {
        continue;
      }
      if (PngMaker picture = tools_.engine->Preview(row)) {
        previews.push_back({row, step, std::move(picture)});
      }
    }
    return std::vector<RowEnd>();
  }));
  if (!previews.empty()) tools_.keeper->TakePreviews(std::move(previews));
}

void BatchRun::TakePicture(int row, PngMaker picture) {
  tools_.uploader->Upload(
      std::move(picture), [this, row](absl::StatusOr<std::string> name,
                                      v1::ErrorClass error_class) {
        if (!name.ok()) {
          ++failed_;
          Tell(row, MakeFailure(row, error_class,
                                "the picture could not be stored: " +
                                    name.status().ToString()));
          return;
        }
        ++succeeded_;
        v1::RunOutcome outcome = MakeOutcome(row);
        v1::Output* output = outcome.mutable_success()->add_outputs();
        output->set_artifact(*std::move(name));
        output->set_name("image");
        output->set_media_type("image/png");
        Tell(row, std::move(outcome));
      });
}

void BatchRun::Tell(int row, v1::RunOutcome outcome) {
  tools_.keeper->AddOutcome(row, std::move(outcome));
}

v1::RunOutcome BatchRun::MakeOutcome(int row) const {
  v1::RunOutcome outcome;
  outcome.set_run(batch_.runs(row).run());
  outcome.set_attempt(batch_.runs(row).attempt());
  return outcome;
}

v1::RunOutcome BatchRun::MakeFailure(int row, v1::ErrorClass error_class,
                                     const std::string& message) const {
  v1::RunOutcome outcome = MakeOutcome(row);
  outcome.mutable_failure()->set_error_class(error_class);
  outcome.mutable_failure()->set_message(ToWireText(message));
  return outcome;
}

bool BatchRun::AwaitUploads() {
  int glances_left = kUploadGlancesWhenStopping;
  bool dropped = false;
  while (!tools_.uploader->WaitIdle(kUploadGlance)) {
    const bool out_of_patience = *tools_.stopping && --glances_left <= 0;
    if (!tools_.keeper->lost() && !out_of_patience) continue;
    tools_.uploader->Cancel();
    dropped = true;
  }
  return !dropped;
}

void BatchRun::CancelLiveRows() {
  for (int row = 0; row < batch_.runs_size(); ++row) {
    if (!live_[row]) continue;
    tools_.checkpointer->Ended(batch_.runs(row).run());
    tools_.engine->Cancel(row);
  }
}

void BatchRun::Release() {
  v1::ReleaseLeaseRequest request;
  request.set_worker(terms_.worker);
  request.set_batch(batch_.name());
  request.set_epoch(batch_.epoch());
  const absl::Status status =
      tools_.client->ReleaseLease(request, kReleaseDeadline);
  if (!status.ok()) {
    spdlog::warn("{} epoch {}: ReleaseLease failed: {}", batch_.name(),
                 batch_.epoch(), status.ToString());
  }
}

void BatchRun::Reach(FaultPoint point) const {
  if (*tools_.at_point) (*tools_.at_point)(point, batch_);
}

}  // namespace sheaf::worker
