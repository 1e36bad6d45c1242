#include "inference/engine/runtime/model_cache.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "inference/engine/tensor/memory.h"
#include "inference/engine/weights/mapped_files.h"

namespace sheaf::engine {
namespace {

// The size of a component's files: about the memory that it will hold. Used on
// devices other than the CPU, where tensors are not counted.
size_t FileBytes(const std::string& folder, const LoadOptions& options) {
  const auto files = FindWeights(folder, options);
  if (!files.ok()) return 0;
  size_t bytes = 0;
  for (const std::string& path : files->paths) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (!error) bytes += size;
  }
  return bytes;
}

size_t FileBytes(const Model& model) {
  size_t bytes = 0;
  for (const auto& component : model.index.components) {
    bytes +=
        FileBytes(model.folder + "/" + component.first, model.options.load);
  }
  return bytes;
}

// Calls `load`, and sets `bytes` to the tensor memory that it added.
template <typename Load>
auto Measured(size_t* bytes, const Load& load) {
  const size_t before = MemoryInUse();
  auto loaded = load();
  const size_t after = MemoryInUse();
  *bytes = after > before ? after - before : 0;
  return loaded;
}

}  // namespace

absl::Status LoadedModel::Check() const {
  for (const auto& [first, end] : files) {
    SHEAF_RETURN_IF_ERROR(CheckMappedFiles(first, end));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<LoadedModel>> ModelCache::Get(
    const ModelPlace& place) {
  std::shared_ptr<LoadedModel>& loaded = loaded_[place];
  if (loaded != nullptr && !loaded->Check().ok()) loaded = nullptr;
  if (loaded == nullptr) {
    const ModelOptions options = {
        .load = {.variant = place.variant, .allow_pickle = place.allow_pickle},
        .placement = options_.placement,
        .vae = place.vae};
    size_t bytes = 0;
    uint64_t first_file = NextMappedFile();
    absl::Time begin = absl::Now();
    auto model =
        Measured(&bytes, [&] { return LoadModel(place.folder, options); });
    while (absl::IsResourceExhausted(model.status()) && PutOneAway()) {
      begin = absl::Now();
      first_file = NextMappedFile();
      model =
          Measured(&bytes, [&] { return LoadModel(place.folder, options); });
    }
    if (!model.ok()) {
      loaded_.erase(place);
      return model.status();
    }
    loaded = std::make_shared<LoadedModel>(*std::move(model));
    loaded->files.emplace_back(first_file, NextMappedFile());
    loaded->load_ms = absl::ToDoubleMilliseconds(absl::Now() - begin);
    loaded->bytes =
        options_.placement.device.is_cpu() ? bytes : FileBytes(*loaded->model);
  }
  loaded->last_use = ++uses_;
  const std::shared_ptr<LoadedModel> found = loaded;
  MakeRoom();
  return found;
}

absl::StatusOr<std::shared_ptr<const ControlNet>> ModelCache::GetControl(
    LoadedModel* loaded, const std::string& folder) {
  std::shared_ptr<const ControlNet>& net = loaded->controls[folder];
  if (net == nullptr) {
    size_t bytes = 0;
    const uint64_t first_file = NextMappedFile();
    auto control = Measured(&bytes, [&] {
      return ControlNet::Load(folder, loaded->model->options.load,
                              options_.placement);
    });
    if (!control.ok()) {
      loaded->controls.erase(folder);
      return control.status();
    }
    net = *std::move(control);
    loaded->files.emplace_back(first_file, NextMappedFile());
    loaded->bytes += options_.placement.device.is_cpu()
                         ? bytes
                         : FileBytes(folder, loaded->model->options.load);
  }
  const std::shared_ptr<const ControlNet> found = net;
  MakeRoom();
  return found;
}

bool ModelCache::PutOneAway() {
  auto oldest = loaded_.end();
  for (auto it = loaded_.begin(); it != loaded_.end(); ++it) {
    // A model that is being loaded is still null.
    if (it->second == nullptr || it->second.use_count() > 1) continue;
    if (oldest == loaded_.end() ||
        it->second->last_use < oldest->second->last_use) {
      oldest = it;
    }
  }
  if (oldest == loaded_.end()) return false;
  loaded_.erase(oldest);
  ReleaseKeptMemory();
  return true;
}

RowStepper::Together ModelCache::together() const {
  RowStepper::Together all;
  for (const auto& entry : loaded_) {
    if (entry.second == nullptr) continue;
    const RowStepper::Together own = entry.second->engine.together();
    all.most = std::max(all.most, own.most);
    if (own.ran_out > 0 && (all.ran_out == 0 || own.ran_out < all.ran_out)) {
      all.ran_out = own.ran_out;
    }
  }
  return all;
}

void ModelCache::ForgetLimits() const {
  for (const auto& entry : loaded_) {
    if (entry.second != nullptr) entry.second->engine.ForgetLimits();
  }
}

size_t ModelCache::bytes() const {
  size_t sum = 0;
  for (const auto& entry : loaded_) {
    if (entry.second != nullptr) sum += entry.second->bytes;
  }
  return sum;
}

// The model that was just asked for stays, since its caller holds it.
void ModelCache::MakeRoom() {
  if (options_.bytes_max == 0) return;
  while (bytes() > options_.bytes_max && PutOneAway()) {
  }
}

}  // namespace sheaf::engine
