#include "inference/worker/torch/torch_engine.h"

#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "inference/control/filters.h"
#include "inference/image/png.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// What a status says about whose fault it is, and so whether another attempt
// may help.
v1::ErrorClass ClassOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kOutOfRange:
      return v1::ERROR_CLASS_BAD_INPUT;
    case absl::StatusCode::kResourceExhausted:
      return v1::ERROR_CLASS_OUT_OF_MEMORY;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return v1::ERROR_CLASS_TRANSIENT;
    default:
      return v1::ERROR_CLASS_ENGINE;
  }
}

}  // namespace

std::vector<v1::Device> TorchEngine::Devices() const {
  const engine::DeviceFacts& facts = studio_->device();
  v1::Device device;
  device.set_name(facts.name);
  device.set_description(facts.description);
  device.set_memory_bytes(static_cast<int64_t>(facts.memory_bytes));
  return {device};
}

void TorchEngine::Begin(const v1::LeasedBatch& batch) {
  for (const Row& row : rows_) studio_->Drop(row.id);
  batch_ = batch;
  rows_.assign(static_cast<size_t>(batch_.runs_size()), Row());
  index_of_.clear();
  untold_.clear();
  studio_->StartMemory();
  ran_out_rows_ = 0;
  for (int index = 0; index < batch_.runs_size(); ++index) {
    const absl::Status status = BeginRow(index);
    if (!status.ok()) untold_.push_back(EndOf(index, status));
  }
}

absl::Status TorchEngine::BeginRow(int index) {
  Row& row = rows_[index];
  row.steps.step_count = batch_.runs(index).request().steps();
  SHEAF_ASSIGN_OR_RETURN(row.order, desk_.Take(batch_, index));
  SHEAF_ASSIGN_OR_RETURN(row.id, studio_->Begin(row.order));
  row.live = true;
  Restore(index);
  const engine::Studio::Steps steps = studio_->StepsOf(row.id);
  row.steps = {static_cast<int>(steps.done), static_cast<int>(steps.count)};
  index_of_[row.id] = index;
  // Their pixels are in the row now.
  row.order.controls.clear();
  row.order.request.image = {};
  row.order.request.mask = {};
  return absl::OkStatus();
}

// Of two workers, one may know another model by the same alias, or take another
// sampler for a run that names none.
std::string TorchEngine::MakingOf(int index) const {
  engine::Image image;
  image.width = rows_[index].order.request.width;
  image.height = rows_[index].order.request.height;
  std::string all;
  for (const auto& [key, text] : engine::TextsOf(
           DescriptionOf(batch_, index, rows_[index].order, image, models_))) {
    all += key + '\n' + text + '\n';
  }
  return Sha256Hex(all);
}

void TorchEngine::Restore(int index) {
  const std::string saved = SavedOf(batch_, index);
  if (saved.empty()) return;
  const std::string making = MakingOf(index);
  const absl::Status status =
      saved.starts_with(making)
          ? studio_->Restore(rows_[index].id,
                             std::string_view(saved).substr(making.size()))
          : absl::InvalidArgumentError("of another model, sampler or version");
  if (status.ok()) return;
  spdlog::warn("{}: its checkpoint cannot be used, it starts anew: {}",
               batch_.runs(index).run(), status.ToString());
}

std::string TorchEngine::Save(int row) {
  auto saved = studio_->Save(rows_[row].id);
  if (saved.ok()) return MakingOf(row) + *std::move(saved);
  spdlog::warn("{}: could not be saved: {}", batch_.runs(row).run(),
               saved.status().ToString());
  return {};
}

std::vector<RowEnd> TorchEngine::Step() {
  std::vector<RowEnd> ends = std::exchange(untold_, {});
  for (engine::Studio::End& end : studio_->Step()) {
    ends.push_back(EndOf(index_of_.at(end.row), std::move(end.image)));
  }
  NoteRanOut();
  for (Row& row : rows_) {
    if (!row.live) continue;
    row.steps.step = static_cast<int>(studio_->StepsOf(row.id).done);
  }
  return ends;
}

void TorchEngine::NoteRanOut() {
  const size_t rows = studio_->memory().ran_out_rows;
  if (rows == ran_out_rows_) return;
  ran_out_rows_ = rows;
  if (rows > 0) {
    spdlog::warn("{}: memory ran out with {} rows together; fewer go on",
                 batch_.name(), rows);
  }
}

RowEnd TorchEngine::EndOf(int index, absl::StatusOr<engine::Image> image) {
  Row& row = rows_[index];
  row.live = false;
  RowEnd end;
  end.row = index;
  if (image.ok()) {
    row.steps.step = row.steps.step_count;
    end.make_png = [texts = engine::TextsOf(DescriptionOf(
                        batch_, index, row.order, *image, models_)),
                    image = *std::move(image)] {
      return engine::EncodePng(image, texts);
    };
    return end;
  }
  // From now on every step of every row would fail: the session leaves with
  // what can still be told, and a new process finds the device as new.
  if (absl::IsAborted(image.status())) health_ = image.status();
  end.error_class = ClassOf(image.status());
  end.error_message = std::string(image.status().message());
  return end;
}

std::vector<RowSteps> TorchEngine::Steps() const {
  std::vector<RowSteps> steps;
  for (const Row& row : rows_) steps.push_back(row.steps);
  return steps;
}

v1::BatchMemory TorchEngine::Memory() const {
  const engine::MemoryUse use = studio_->memory();
  v1::BatchMemory memory;
  memory.set_row_count(static_cast<int>(use.rows));
  memory.set_peak_bytes(static_cast<int64_t>(use.peak_bytes));
  memory.set_ran_out_row_count(static_cast<int>(use.ran_out_rows));
  return memory;
}

PngMaker TorchEngine::Preview(int row) {
  auto drawn = studio_->PreviewOf(rows_[row].id);
  if (!drawn.ok()) {
    spdlog::debug("{}: no preview: {}", batch_.runs(row).run(),
                  drawn.status().ToString());
    return nullptr;
  }
  return [preview = *std::move(drawn)] {
    return engine::EncodePng(
        engine::Resize(preview.image, preview.width, preview.height,
                       engine::ResizeFilter::kLanczos),
        {});
  };
}

void TorchEngine::Cancel(int row) {
  std::erase_if(untold_, [&](const RowEnd& end) { return end.row == row; });
  studio_->Drop(rows_[row].id);
  rows_[row].live = false;
}

}  // namespace sheaf::worker
