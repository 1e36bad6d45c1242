#include "inference/engine/runtime/model_cache.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/time/clock.h"
#include "base/status.h"
#include "inference/engine/families/load_model.h"
#include "inference/engine/tensor/accelerator.h"
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

}  // namespace

absl::Status LoadedModel::Check() const {
  for (const auto& [first, end] : files) {
    SHEAF_RETURN_IF_ERROR(CheckMappedFiles(first, end));
  }
  return absl::OkStatus();
}

// Attempts that failed count for nothing.
template <typename Load>
auto ModelCache::WithRoom(Loading* loading, const Load& load) {
  const auto attempt = [&] {
    loading->begin = absl::Now();
    loading->first_file = NextMappedFile();
    const size_t before = MemoryInUse();
    auto loaded = load();
    const size_t after = MemoryInUse();
    loading->bytes = after > before ? after - before : 0;
    return loaded;
  };
  auto loaded = attempt();
  while (absl::IsResourceExhausted(loaded.status()) && PutOneAway()) {
    loaded = attempt();
  }
  return loaded;
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
    Loading loading;
    auto model =
        WithRoom(&loading, [&] { return LoadModel(place.folder, options); });
    if (!model.ok()) {
      loaded_.erase(place);
      return model.status();
    }
    loaded = std::make_shared<LoadedModel>(*std::move(model));
    loaded->files.emplace_back(loading.first_file, NextMappedFile());
    loaded->load_ms = absl::ToDoubleMilliseconds(absl::Now() - loading.begin);
    loaded->bytes = options_.placement.device.is_cpu()
                        ? loading.bytes
                        : FileBytes(*loaded->model);
  }
  loaded->last_use = ++uses_;
  const std::shared_ptr<LoadedModel> found = loaded;
  MakeRoom();
  return found;
}

absl::StatusOr<std::shared_ptr<const ControlModel>> ModelCache::GetControl(
    LoadedModel* loaded, const std::string& folder) {
  std::shared_ptr<const ControlModel>& net = loaded->controls[folder];
  if (net == nullptr) {
    const Model& model = *loaded->model;
    Loading loading;
    auto control = WithRoom(&loading, [&] {
      return model.denoiser->LoadControl(folder, model.options.load);
    });
    if (!control.ok()) {
      loaded->controls.erase(folder);
      return control.status();
    }
    net = *std::move(control);
    loaded->files.emplace_back(loading.first_file, NextMappedFile());
    loaded->bytes += options_.placement.device.is_cpu()
                         ? loading.bytes
                         : FileBytes(folder, model.options.load);
  }
  const std::shared_ptr<const ControlModel> found = net;
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
  ReleaseKeptMemory(device());
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
