#include "inference/worker/torch/torch_engine.h"

#include <cstdlib>
#include <utility>

#include "base/status.h"
#include "inference/image/png.h"
#include "inference/worker/process.h"
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

// Every further step would fail, and spend an attempt of every run there is.
// The server takes the process's end for what it is, and a new process finds
// the device as new.
[[noreturn]] void LeaveDevice(const absl::Status& status) {
  spdlog::critical("the device is beyond use, leaving: {}", status.ToString());
  std::_Exit(kExitDeviceLost);
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

int64_t TorchEngine::Add(const v1::LeasedBatch& batch) {
  if (rows_.empty()) {
    studio_->StartMemory();
    ran_out_rows_ = 0;
  }
  const auto shared = std::make_shared<const v1::LeasedBatch>(batch);
  const int64_t first = next_row_;
  for (int index = 0; index < batch.runs_size(); ++index) {
    const int64_t number = next_row_++;
    Row row = {.batch = shared, .index = index};
    const absl::Status status = BeginRow(&row);
    if (status.ok()) {
      number_of_[row.id] = number;
      rows_.emplace(number, std::move(row));
    } else {
      untold_.push_back(EndOf(number, row, status));
    }
  }
  return first;
}

absl::Status TorchEngine::BeginRow(Row* row) {
  SHEAF_ASSIGN_OR_RETURN(row->order, desk_.Take(*row->batch, row->index));
  SHEAF_ASSIGN_OR_RETURN(row->id, studio_->Begin(row->order));
  // Their pixels are in the row now.
  row->order.controls.clear();
  row->order.request.image = {};
  row->order.request.mask = {};
  return absl::OkStatus();
}

std::vector<RowEnd> TorchEngine::Step() {
  std::vector<RowEnd> ends = std::exchange(untold_, {});
  for (engine::Studio::End& end : studio_->Step()) {
    if (absl::IsAborted(end.image.status())) LeaveDevice(end.image.status());
    const int64_t number = number_of_.at(end.row);
    ends.push_back(EndOf(number, rows_.at(number), std::move(end.image)));
    number_of_.erase(end.row);
    rows_.erase(number);
  }
  NoteRanOut();
  return ends;
}

void TorchEngine::NoteRanOut() {
  const size_t rows = studio_->memory().ran_out_rows;
  if (rows == ran_out_rows_) return;
  ran_out_rows_ = rows;
  if (rows > 0) {
    spdlog::warn("memory ran out with {} rows together; fewer go on", rows);
  }
}

RowEnd TorchEngine::EndOf(int64_t number, const Row& row,
                          absl::StatusOr<engine::Image> image) {
  RowEnd end;
  end.row = number;
  absl::Status status = image.status();
  if (status.ok()) {
    auto png = engine::EncodePng(
        *image, engine::TextsOf(DescriptionOf(*row.batch, row.index, row.order,
                                              *image, models_)));
    status = png.status();
    if (status.ok()) end.png = *std::move(png);
  }
  if (!status.ok()) {
    end.error_class = ClassOf(status);
    end.error_message = std::string(status.message());
  }
  return end;
}

// One that could not begin stands at its start until that is told.
RowSteps TorchEngine::StepsOf(int64_t row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return {};
  const engine::Studio::Steps steps = studio_->StepsOf(found->second.id);
  return {static_cast<int>(steps.done), static_cast<int>(steps.count)};
}

v1::BatchMemory TorchEngine::Memory() const {
  const engine::MemoryUse use = studio_->memory();
  v1::BatchMemory memory;
  memory.set_row_count(static_cast<int>(use.rows));
  memory.set_peak_bytes(static_cast<int64_t>(use.peak_bytes));
  memory.set_ran_out_row_count(static_cast<int>(use.ran_out_rows));
  return memory;
}

void TorchEngine::Cancel(int64_t row) {
  std::erase_if(untold_, [&](const RowEnd& end) { return end.row == row; });
  const auto found = rows_.find(row);
  if (found == rows_.end()) return;
  studio_->Drop(found->second.id);
  number_of_.erase(found->second.id);
  rows_.erase(found);
}

}  // namespace sheaf::worker
