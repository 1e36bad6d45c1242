#include "inference/engine/runtime/studio.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/runtime/shelf.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/tensor/devices.h"
#include "inference/engine/tensor/guard.h"
#include "inference/engine/tensor/memory.h"
#include "inference/engine/tensor/placement.h"

namespace sheaf::engine {
namespace {

DeviceFacts FactsOf(const StudioOptions& options, std::string device,
                    const Placement& placement) {
  DeviceFacts facts;
  facts.name = std::move(device);
  if (placement.device.is_cpu()) {
    facts.description =
        absl::StrCat("CPU, ", at::get_num_threads(), " threads, LibTorch ",
                     TORCH_VERSION_MAJOR, ".", TORCH_VERSION_MINOR);
    facts.memory_bytes = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
                         static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (options.memory_bytes_max > 0) {
      facts.memory_bytes =
          std::min(facts.memory_bytes, options.memory_bytes_max);
    }
  } else {
    facts.description = absl::StrCat("CUDA, LibTorch ", TORCH_VERSION_MAJOR,
                                     ".", TORCH_VERSION_MINOR);
  }
  return facts;
}

}  // namespace

struct Studio::Slot {
  RowId id = 0;
  std::shared_ptr<Desk> desk;
  Row row;
};

absl::StatusOr<std::unique_ptr<Studio>> Studio::Open(
    const StudioOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(std::string device,
                         ResolveDevice(options.device, DevicesHere()));
  SHEAF_ASSIGN_OR_RETURN(const Placement placement,
                         PlacementNamed(device, options.dtype));
  SetMemoryLimit(options.memory_bytes_max);
  auto shelf = std::make_unique<Shelf>(Shelf::Options{
      .placement = placement, .bytes_max = options.model_bytes_max});
  return std::unique_ptr<Studio>(new Studio(
      std::move(shelf), FactsOf(options, std::move(device), placement),
      options.batches_per_cleanup));
}

Studio::Studio(std::unique_ptr<Shelf> shelf, DeviceFacts device,
               int batches_per_cleanup)
    : shelf_(std::move(shelf)),
      device_(std::move(device)),
      batches_per_cleanup_(batches_per_cleanup) {}

Studio::~Studio() = default;

absl::StatusOr<Studio::RowId> Studio::Begin(const Order& order) {
  SHEAF_ASSIGN_OR_RETURN(const std::shared_ptr<Desk> desk,
                         shelf_->Get(order.model));
  const Model& model = *desk->model;
  RunRequest request = order.request;
  SHEAF_ASSIGN_OR_RETURN(
      request.scheduler,
      ResolveScheduler(order.sampler, model.scheduler, Config()));
  const auto side = static_cast<int>(model.unet->config().sample_size *
                                     model.vae->config().scale());
  if (request.task == Task::kImage && model.unet->config().in_channels == 8) {
    request.task = Task::kEdit;
  }
  if (request.width == 0) request.width = side;
  if (request.height == 0) request.height = side;
  const int64_t pixels = int64_t{request.width} * request.height;
  for (const int64_t most : {pixels_max_, order.pixels_max}) {
    if (most == 0 || pixels <= most) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(request.width, "x", request.height, " are ", pixels,
                     " pixels, more than ", most));
  }
  if (order.pixel_steps_max > 0 &&
      pixels * request.steps > order.pixel_steps_max) {
    return absl::InvalidArgumentError(
        absl::StrCat(request.steps, " steps of ", request.width, "x",
                     request.height, " are ", pixels * request.steps,
                     " pixels in all, more than ", order.pixel_steps_max));
  }
  for (const ControlOrder& control : order.controls) {
    ControlRequest wanted = {.net = nullptr,
                             .image = control.image,
                             .weight = control.weight,
                             .start = control.start,
                             .end = control.end};
    SHEAF_ASSIGN_OR_RETURN(wanted.net,
                           shelf_->GetControl(desk.get(), control.folder));
    request.controls.push_back(std::move(wanted));
  }
  auto row = BeginRow(model, request);
  while (absl::IsResourceExhausted(row.status()) && shelf_->PutOneAway()) {
    row = BeginRow(model, request);
  }
  SHEAF_RETURN_IF_ERROR(row.status());
  const RowId id = next_row_++;
  rows_[id] = std::make_unique<Slot>(Slot{id, desk, *std::move(row)});
  return id;
}

std::vector<Studio::End> Studio::Step() {
  std::map<const Desk*, Group> groups;
  for (const auto& entry : rows_) {
    groups[entry.second->desk.get()].push_back(entry.second.get());
  }
  std::vector<End> ends;
  for (const auto& group : groups) StepGroup(group.second, &ends);
  for (const End& end : ends) rows_.erase(end.row);
  return ends;
}

// A model that failed its self-test has rows that go one by one.
void Studio::StepGroup(const Group& group, std::vector<End>* ends) {
  if (group.front()->desk->rows_agree) return StepTogether(group, ends);
  for (Slot* slot : group) StepTogether({slot}, ends);
}

// Rows of a group that fails are tried alone: one of them may be the reason.
void Studio::StepTogether(const Group& group, std::vector<End>* ends) {
  std::vector<size_t> before;
  for (const Slot* slot : group) before.push_back(slot->row.steps_done());
  absl::Status status = Advance(group);
  for (size_t i = 0; i < group.size(); ++i) {
    Slot* const slot = group[i];
    if (slot->row.steps_done() == before[i]) {
      if (group.size() > 1 && !absl::IsAborted(status)) {
        status = Advance({slot});
      }
      if (!status.ok()) {
        ends->push_back({slot->id, status});
        continue;
      }
    }
    if (slot->row.done()) ends->push_back({slot->id, Develop(*slot)});
  }
}

// Where even one row does not fit, models that nobody uses make room.
absl::Status Studio::Advance(const Group& group) {
  std::vector<Row*> rows;
  for (Slot* slot : group) rows.push_back(&slot->row);
  std::vector<size_t> before;
  for (const Row* row : rows) before.push_back(row->steps_done());
  const Engine& engine = group.front()->desk->engine;
  absl::Status status = engine.Step(rows);
  while (absl::IsResourceExhausted(status) && shelf_->PutOneAway()) {
    std::vector<Row*> left;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i]->steps_done() == before[i]) left.push_back(rows[i]);
    }
    status = left.empty() ? absl::OkStatus() : engine.Step(left);
  }
  return status;
}

absl::StatusOr<Image> Studio::Develop(const Slot& slot) const {
  SHEAF_RETURN_IF_ERROR(slot.desk->Check());
  SHEAF_ASSIGN_OR_RETURN(
      std::vector<Image> images,
      DecodePictures(*slot.desk->model, {slot.row.sample()}, {}));
  return std::move(images.front());
}

Studio::Steps Studio::StepsOf(RowId row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return {};
  return {found->second->row.steps_done(), found->second->row.steps()};
}

absl::StatusOr<Preview> Studio::PreviewOf(RowId row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end() || found->second->row.steps_done() == 0) {
    return absl::FailedPreconditionError("a row that has made no step");
  }
  const Slot& slot = *found->second;
  at::Tensor prediction;
  SHEAF_RETURN_IF_ERROR(
      Guard("looking at a row", [&] { prediction = slot.row.prediction(); }));
  return slot.desk->previewer.Draw(prediction);
}

absl::StatusOr<std::string> Studio::Save(RowId row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return absl::NotFoundError("the row has ended");
  SHEAF_RETURN_IF_ERROR(found->second->desk->Check());
  std::string saved;
  SHEAF_RETURN_IF_ERROR(
      Guard("saving a row", [&] { saved = found->second->row.Save(); }));
  return saved;
}

absl::Status Studio::Restore(RowId row, std::string_view saved) {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return absl::NotFoundError("the row has ended");
  Row restored = found->second->row;
  absl::Status status;
  SHEAF_RETURN_IF_ERROR(
      Guard("restoring a row", [&] { status = restored.Restore(saved); }));
  SHEAF_RETURN_IF_ERROR(status);
  if (restored.done()) {
    return absl::InvalidArgumentError("a saved row: with no step to make");
  }
  found->second->row = std::move(restored);
  return absl::OkStatus();
}

void Studio::Drop(RowId row) { rows_.erase(row); }

std::optional<Cleanup> Studio::StartMemory() {
  std::optional<Cleanup> cleanup;
  const bool is_due =
      batches_per_cleanup_ > 0 && ++batches_ >= batches_per_cleanup_;
  // What ran out may be missing only because it is kept for something else.
  if (is_due || shelf_->together().ran_out > 0) {
    batches_ = 0;
    cleanup = Cleanup{.bytes_before = ResidentBytes()};
    CleanUpMemory();
    cleanup->bytes_after = ResidentBytes();
  }
  ResetMemoryPeak();
  shelf_->ForgetLimits();
  return cleanup;
}

std::unique_ptr<Measuring> Studio::Measure(MeasureOrder order) {
  return std::make_unique<Measuring>(shelf_.get(), std::move(order));
}

MemoryUse Studio::memory() const {
  const Engine::Together together = shelf_->together();
  return {.rows = together.most,
          .peak_bytes = MemoryPeak(),
          .ran_out_rows = together.ran_out};
}

}  // namespace sheaf::engine
