#include "inference/engine/runtime/image_runtime.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/version.h"
#include "inference/engine/pipeline/begin.h"
#include "inference/engine/pipeline/pictures.h"
#include "inference/engine/runtime/model_cache.h"
#include "inference/engine/schedule/registry.h"
#include "inference/engine/tensor/accelerator.h"
#include "inference/engine/tensor/guard.h"
#include "inference/engine/tensor/memory.h"
#include "inference/engine/tensor/module_scope.h"
#include "inference/engine/tensor/placement.h"

namespace sheaf::engine {
namespace {

const char* NameOf(at::ScalarType dtype) {
  if (dtype == at::kHalf) return "fp16";
  return dtype == at::kBFloat16 ? "bf16" : "fp32";
}

// The device, with the program and the numbers that this runtime computes by.
// The limit on tensors holds for those on the CPU.
DeviceFacts RuntimeFacts(const RuntimeOptions& options, std::string_view device,
                         const Placement& placement) {
  DeviceFacts facts = FactsOf(device);
  facts.build = absl::StrCat("sheaf ", kVersion, ", ", facts.build, ", ",
                             NameOf(placement.dtype));
  if (device == "cpu" && options.memory_bytes_max > 0) {
    facts.memory_bytes = std::min(facts.memory_bytes, options.memory_bytes_max);
  }
  return facts;
}

// The first byte of a saved row that a refiner finishes: which model's row it
// is.
constexpr char kOfBase = 'b';
constexpr char kOfRefiner = 'r';

}  // namespace

struct ImageRuntime::Slot {
  // The part that a refiner makes after the row.
  struct Refining {
    ModelPlace model;
    RunRequest request;  // Without its latents.
    size_t steps = 0;
  };

  RowId id = 0;
  std::shared_ptr<LoadedModel> loaded;
  Row row;
  bool has_refiner = false;
  std::optional<Refining> refining;  // None once the refiner has taken over.
  size_t steps_before = 0;           // Those that the base made.
};

absl::StatusOr<std::unique_ptr<ImageRuntime>> ImageRuntime::Open(
    const RuntimeOptions& options) {
  SHEAF_ASSIGN_OR_RETURN(const std::string device,
                         ResolveDevice(options.device, DevicesHere()));
  SHEAF_ASSIGN_OR_RETURN(const Placement placement,
                         PlacementNamed(device, options.dtype));
  SetMemoryLimit(options.memory_bytes_max);
  auto cache = std::make_unique<ModelCache>(ModelCache::Options{
      .placement = placement, .bytes_max = options.model_bytes_max});
  return std::unique_ptr<ImageRuntime>(new ImageRuntime(
      std::move(cache), RuntimeFacts(options, device, placement),
      options.batches_per_cleanup));
}

ImageRuntime::ImageRuntime(std::unique_ptr<ModelCache> cache,
                           DeviceFacts device, int batches_per_cleanup)
    : cache_(std::move(cache)),
      device_(std::move(device)),
      batches_per_cleanup_(batches_per_cleanup) {}

ImageRuntime::~ImageRuntime() = default;

absl::StatusOr<ImageRuntime::RowId> ImageRuntime::Begin(
    const ImageRequest& wanted) {
  SHEAF_ASSIGN_OR_RETURN(const std::shared_ptr<LoadedModel> loaded,
                         cache_->Get(wanted.model));
  const Model& model = *loaded->model;
  RunRequest request = wanted.request;
  SHEAF_ASSIGN_OR_RETURN(
      request.scheduler,
      ResolveScheduler(wanted.sampler, model.scheduler, Config()));
  const ModelTraits& traits = model.traits;
  const int side = traits.native_side;
  if (request.task == Task::kImage && !traits.Does(Task::kImage) &&
      traits.Does(Task::kEdit)) {
    request.task = Task::kEdit;
  }
  if (request.width == 0) request.width = side;
  if (request.height == 0) request.height = side;
  const int64_t pixels = int64_t{request.width} * request.height;
  for (const int64_t most : {pixels_max_, wanted.pixels_max}) {
    if (most == 0 || pixels <= most) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(request.width, "x", request.height, " are ", pixels,
                     " pixels, more than ", most));
  }
  if (wanted.pixel_steps_max > 0 &&
      pixels * request.steps > wanted.pixel_steps_max) {
    return absl::InvalidArgumentError(
        absl::StrCat(request.steps, " steps of ", request.width, "x",
                     request.height, " are ", pixels * request.steps,
                     " pixels in all, more than ", wanted.pixel_steps_max));
  }
  for (const ImageControl& control : wanted.controls) {
    ControlRequest& asked = request.controls.emplace_back();
    asked = {.net = nullptr,
             .image = control.image,
             .weight = control.weight,
             .start = control.start,
             .end = control.end};
    SHEAF_ASSIGN_OR_RETURN(asked.net,
                           cache_->GetControl(loaded.get(), control.folder));
  }
  std::optional<Slot::Refining> refining;
  if (wanted.refiner) {
    if (request.task != Task::kText && request.task != Task::kImage) {
      return absl::InvalidArgumentError(
          "a refiner follows neither a mask nor an edit");
    }
    request.denoising_end = wanted.refiner->start;
    refining.emplace();
    refining->model = wanted.refiner->model;
    refining->request = RefinerPart(request);
    SHEAF_ASSIGN_OR_RETURN(refining->steps, CountSteps(refining->request));
  }
  SHEAF_ASSIGN_OR_RETURN(Row row, BeginWithRoom(model, request));
  const RowId id = next_row_++;
  rows_[id] = std::make_unique<Slot>(Slot{.id = id,
                                          .loaded = loaded,
                                          .row = std::move(row),
                                          .has_refiner = refining.has_value(),
                                          .refining = std::move(refining)});
  return id;
}

absl::StatusOr<Row> ImageRuntime::BeginWithRoom(const Model& model,
                                                const RunRequest& request) {
  auto row = BeginRow(model, request);
  while (absl::IsResourceExhausted(row.status()) && cache_->PutOneAway()) {
    row = BeginRow(model, request);
  }
  return row;
}

std::vector<ImageRuntime::End> ImageRuntime::Step() {
  std::map<const LoadedModel*, Group> groups;
  for (const auto& entry : rows_) {
    groups[entry.second->loaded.get()].push_back(entry.second.get());
  }
  std::vector<End> ends;
  for (const auto& group : groups) StepGroup(group.second, &ends);
  for (const End& end : ends) rows_.erase(end.row);
  return ends;
}

// Rows of a model that failed its self-test step one by one.
void ImageRuntime::StepGroup(const Group& group, std::vector<End>* ends) {
  if (group.front()->loaded->rows_agree) return StepTogether(group, ends);
  for (Slot* slot : group) StepTogether({slot}, ends);
}

// If a group fails, its rows are tried alone: one of them may be the reason.
void ImageRuntime::StepTogether(const Group& group, std::vector<End>* ends) {
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
    if (!slot->row.done()) continue;
    if (!slot->refining) {
      ends->push_back({slot->id, Develop(*slot)});
    } else if (absl::Status handed = HandOver(slot); !handed.ok()) {
      ends->push_back({slot->id, std::move(handed)});
    }
  }
}

absl::Status ImageRuntime::HandOver(Slot* slot) {
  SHEAF_RETURN_IF_ERROR(slot->loaded->Check());
  Slot::Refining refining = *std::exchange(slot->refining, std::nullopt);
  SHEAF_ASSIGN_OR_RETURN(std::shared_ptr<LoadedModel> loaded,
                         cache_->Get(refining.model));
  SHEAF_RETURN_IF_ERROR(Guard("handing a row over", [&] {
    refining.request.latents = FromTorch(slot->row.sample().unsqueeze(0));
  }));
  SHEAF_ASSIGN_OR_RETURN(Row row,
                         BeginWithRoom(*loaded->model, refining.request));
  slot->steps_before = slot->row.steps();
  slot->loaded = std::move(loaded);
  slot->row = std::move(row);
  return absl::OkStatus();
}

// Where even one row does not fit, unused models are put away to make room.
absl::Status ImageRuntime::Advance(const Group& group) {
  std::vector<Row*> rows;
  for (Slot* slot : group) rows.push_back(&slot->row);
  std::vector<size_t> before;
  for (const Row* row : rows) before.push_back(row->steps_done());
  const RowStepper& engine = group.front()->loaded->engine;
  absl::Status status = engine.Step(rows);
  while (absl::IsResourceExhausted(status) && cache_->PutOneAway()) {
    std::vector<Row*> left;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i]->steps_done() == before[i]) left.push_back(rows[i]);
    }
    status = left.empty() ? absl::OkStatus() : engine.Step(left);
  }
  return status;
}

absl::StatusOr<Image> ImageRuntime::Develop(const Slot& slot) const {
  SHEAF_RETURN_IF_ERROR(slot.loaded->Check());
  SHEAF_ASSIGN_OR_RETURN(
      std::vector<Image> images,
      DecodePictures(*slot.loaded->model, {slot.row.sample()}, {}));
  return std::move(images.front());
}

ImageRuntime::Steps ImageRuntime::StepsOf(RowId row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return {};
  const Slot& slot = *found->second;
  const size_t left = slot.refining ? slot.refining->steps : 0;
  return {slot.steps_before + slot.row.steps_done(),
          slot.steps_before + slot.row.steps() + left};
}

absl::StatusOr<Preview> ImageRuntime::PreviewOf(RowId row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end() || found->second->row.steps_done() == 0) {
    return absl::FailedPreconditionError("a row that has made no step");
  }
  const Slot& slot = *found->second;
  at::Tensor prediction;
  SHEAF_RETURN_IF_ERROR(
      Guard("looking at a row", [&] { prediction = slot.row.prediction(); }));
  return slot.loaded->previewer.Draw(prediction);
}

absl::StatusOr<std::string> ImageRuntime::Save(RowId row) const {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return absl::NotFoundError("the row has ended");
  const Slot& slot = *found->second;
  SHEAF_RETURN_IF_ERROR(slot.loaded->Check());
  std::string saved;
  SHEAF_RETURN_IF_ERROR(
      Guard("saving a row", [&] { saved = slot.row.Save(); }));
  if (slot.has_refiner) {
    saved.insert(saved.begin(), slot.refining ? kOfBase : kOfRefiner);
  }
  return saved;
}

absl::Status ImageRuntime::Restore(RowId row, std::string_view saved) {
  const auto found = rows_.find(row);
  if (found == rows_.end()) return absl::NotFoundError("the row has ended");
  Slot restored = *found->second;
  if (restored.has_refiner && !saved.empty()) {
    // The state replaces whatever sample the refiner begins with.
    if (saved.front() == kOfRefiner) {
      SHEAF_RETURN_IF_ERROR(HandOver(&restored));
    }
    saved.remove_prefix(1);
  }
  absl::Status status;
  SHEAF_RETURN_IF_ERROR(
      Guard("restoring a row", [&] { status = restored.row.Restore(saved); }));
  SHEAF_RETURN_IF_ERROR(status);
  if (restored.row.done()) {
    return absl::InvalidArgumentError("a saved row: with no step to make");
  }
  *found->second = std::move(restored);
  return absl::OkStatus();
}

void ImageRuntime::Drop(RowId row) { rows_.erase(row); }

std::optional<Cleanup> ImageRuntime::StartMemory() {
  std::optional<Cleanup> cleanup;
  const bool is_due =
      batches_per_cleanup_ > 0 && ++batches_ >= batches_per_cleanup_;
  // Memory may have run out only because some of it is kept for other uses.
  if (is_due || cache_->together().ran_out > 0) {
    batches_ = 0;
    cleanup = Cleanup{.bytes_before = ResidentBytes()};
    CleanUpMemory(cache_->device());
    cleanup->bytes_after = ResidentBytes();
  }
  ResetMemoryPeak(cache_->device());
  cache_->ForgetLimits();
  return cleanup;
}

std::unique_ptr<Measuring> ImageRuntime::Measure(MeasureRequest wanted) {
  return std::make_unique<Measuring>(cache_.get(), std::move(wanted));
}

MemoryUse ImageRuntime::memory() const {
  const RowStepper::Together together = cache_->together();
  return {.rows = together.most,
          .peak_bytes = MemoryPeak(cache_->device()),
          .ran_out_rows = together.ran_out};
}

}  // namespace sheaf::engine
