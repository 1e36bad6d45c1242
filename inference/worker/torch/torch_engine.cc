#include "inference/worker/torch/torch_engine.h"

#include <new>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "inference/engine/control/filters.h"
#include "inference/engine/image/png.h"
#include "inference/worker/torch/description.h"
#include "spdlog/spdlog.h"

namespace sheaf::worker {
namespace {

// The error class of a status: it says whose fault it is, and so whether
// another attempt may help.
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
  const engine::DeviceFacts& facts = runtime_->device();
  v1::Device device;
  device.set_name(facts.name);
  device.set_description(facts.description);
  device.set_memory_bytes(static_cast<int64_t>(facts.memory_bytes));
  device.set_driver(facts.driver);
  device.set_build(facts.build);
  device.set_host(facts.host);
  return {device};
}

int64_t TorchEngine::Add(const v1::LeasedBatch& batch) {
  if (rows_.empty()) {
    if (const auto cleanup = runtime_->StartMemory()) {
      spdlog::info("memory cleaned up: {} MiB resident before, {} MiB after",
                   cleanup->bytes_before >> 20, cleanup->bytes_after >> 20);
    }
    ran_out_rows_ = 0;
  }
  const auto shared = std::make_shared<const v1::LeasedBatch>(batch);
  const int64_t first = next_row_;
  for (int index = 0; index < batch.runs_size(); ++index) {
    const int64_t number = next_row_++;
    Row row = {.batch = shared, .index = index};
    const absl::Status status = TryToBegin(&row);
    if (status.ok()) {
      number_of_[row.id] = number;
      rows_.emplace(number, std::move(row));
    } else {
      untold_.push_back(EndOf(number, std::move(row), status));
    }
  }
  return first;
}

// A picture that there is no memory for must not take the other rows along.
absl::Status TorchEngine::TryToBegin(Row* row) {
  try {
    return BeginRow(row);
  } catch (const std::bad_alloc&) {
    runtime_->Drop(row->id);
    return absl::ResourceExhaustedError("beginning a run: out of memory");
  }
}

absl::Status TorchEngine::BeginRow(Row* row) {
  SHEAF_ASSIGN_OR_RETURN(row->wanted, resolver_.Take(*row->batch, row->index));
  SHEAF_ASSIGN_OR_RETURN(row->id, runtime_->Begin(row->wanted));
  Restore(*row);
  // The runtime's row has their pixels now.
  for (engine::ImageControl& control : row->wanted.controls) {
    if (control.kept_as.empty()) continue;
    row->maps.emplace_back(control.kept_as, std::move(control.image));
  }
  row->wanted.controls.clear();
  row->wanted.request.image = {};
  row->wanted.request.mask = {};
  return absl::OkStatus();
}

// Another worker may know a different model by the same alias, or take another
// sampler for a run that names none. This hash tells.
std::string TorchEngine::MakingOf(const Row& row) const {
  engine::Image image;
  image.width = row.wanted.request.width;
  image.height = row.wanted.request.height;
  std::string all;
  for (const auto& [key, text] : engine::TextsOf(
           DescriptionOf(*row.batch, row.index, row.wanted, image, models_))) {
    all += key + '\n' + text + '\n';
  }
  return Sha256Hex(all);
}

void TorchEngine::Restore(const Row& row) {
  const std::string saved = SavedOf(*row.batch, row.index);
  if (saved.empty()) return;
  const std::string making = MakingOf(row);
  const absl::Status status =
      saved.starts_with(making)
          ? runtime_->Restore(row.id,
                              std::string_view(saved).substr(making.size()))
          : absl::InvalidArgumentError("of another model, sampler or version");
  if (status.ok()) return;
  spdlog::warn(
      "{}: its checkpoint cannot be used, so it starts from the beginning: {}",
      RunOf(row), status.ToString());
}

std::string TorchEngine::Save(int64_t number) {
  const auto found = rows_.find(number);
  if (found == rows_.end()) return {};
  auto saved = runtime_->Save(found->second.id);
  if (saved.ok()) return MakingOf(found->second) + *std::move(saved);
  spdlog::warn("{}: could not be saved: {}", RunOf(found->second),
               saved.status().ToString());
  return {};
}

std::vector<RowEnd> TorchEngine::Step() {
  std::vector<RowEnd> ends = std::exchange(untold_, {});
  for (engine::ImageRuntime::End& end : runtime_->Step()) {
    const int64_t number = number_of_.at(end.row);
    ends.push_back(
        EndOf(number, std::move(rows_.at(number)), std::move(end.image)));
    number_of_.erase(end.row);
    rows_.erase(number);
  }
  NoteRanOut();
  return ends;
}

void TorchEngine::NoteRanOut() {
  const size_t rows = runtime_->memory().ran_out_rows;
  if (rows == ran_out_rows_) return;
  ran_out_rows_ = rows;
  if (rows > 0) {
    spdlog::warn("memory ran out with {} rows together; fewer go on", rows);
  }
}

RowEnd TorchEngine::EndOf(int64_t number, Row row,
                          absl::StatusOr<engine::Image> image) {
  RowEnd end;
  end.row = number;
  if (image.ok()) {
    end.make_png = [texts = engine::TextsOf(DescriptionOf(
                        *row.batch, row.index, row.wanted, *image, models_)),
                    image = *std::move(image)] {
      return engine::EncodePng(image, texts);
    };
    for (auto& [name, map] : row.maps) {
      end.more.push_back({name, [map = std::move(map)] {
                            return engine::EncodePng(map, {});
                          }});
    }
    return end;
  }
  // From now on every step of every row would fail. The session tells the
  // outcomes that it can and leaves; a new process can use the device again.
  if (absl::IsAborted(image.status())) health_ = image.status();
  end.error_class = ClassOf(image.status());
  end.error_message = std::string(image.status().message());
  return end;
}

// A row that could not begin stands at its start until its end is told.
RowSteps TorchEngine::StepsOf(int64_t row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return {};
  const engine::ImageRuntime::Steps steps = runtime_->StepsOf(found->second.id);
  return {static_cast<int>(steps.done), static_cast<int>(steps.count)};
}

v1::BatchMemory TorchEngine::Memory() const {
  const engine::MemoryUse use = runtime_->memory();
  v1::BatchMemory memory;
  memory.set_row_count(static_cast<int>(use.rows));
  memory.set_peak_bytes(static_cast<int64_t>(use.peak_bytes));
  memory.set_ran_out_row_count(static_cast<int>(use.ran_out_rows));
  return memory;
}

PngMaker TorchEngine::Preview(int64_t number) {
  const auto found = rows_.find(number);
  if (found == rows_.end()) return nullptr;
  auto drawn = runtime_->PreviewOf(found->second.id);
  if (!drawn.ok()) {
    spdlog::debug("{}: no preview: {}", RunOf(found->second),
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

void TorchEngine::Cancel(int64_t row) {
  std::erase_if(untold_, [&](const RowEnd& end) { return end.row == row; });
  const auto found = rows_.find(row);
  if (found == rows_.end()) return;
  runtime_->Drop(found->second.id);
  number_of_.erase(found->second.id);
  rows_.erase(found);
}

}  // namespace sheaf::worker
