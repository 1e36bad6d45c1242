#include "inference/engine/runtime/shelf.h"

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

// What a component's files weigh: about what it will hold where tensors are not
// counted, on other devices than the CPU.
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

// What `load` has added to the memory that tensors hold.
template <typename Load>
auto Measured(size_t* bytes, const Load& load) {
  const size_t before = MemoryInUse();
  auto loaded = load();
  const size_t after = MemoryInUse();
  *bytes = after > before ? after - before : 0;
  return loaded;
}

}  // namespace

absl::Status Desk::Check() const {
  for (const auto& [first, end] : files) {
    SHEAF_RETURN_IF_ERROR(CheckMappedFiles(first, end));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Desk>> Shelf::Get(const ModelPlace& place) {
  std::shared_ptr<Desk>& desk = desks_[place];
  if (desk != nullptr && !desk->Check().ok()) desk = nullptr;
  if (desk == nullptr) {
    const ModelOptions options = {
        .load = {.variant = place.variant, .allow_pickle = place.allow_pickle},
        .placement = options_.placement,
        .vae = place.vae};
    size_t bytes = 0;
    uint64_t first_file = NextMappedFile();
    absl::Time begin = absl::Now();
    auto loaded =
        Measured(&bytes, [&] { return LoadModel(place.folder, options); });
    while (absl::IsResourceExhausted(loaded.status()) && PutOneAway()) {
      begin = absl::Now();
      first_file = NextMappedFile();
      loaded =
          Measured(&bytes, [&] { return LoadModel(place.folder, options); });
    }
    if (!loaded.ok()) {
      desks_.erase(place);
      return loaded.status();
    }
    desk = std::make_shared<Desk>(*std::move(loaded));
    desk->files.emplace_back(first_file, NextMappedFile());
    desk->load_ms = absl::ToDoubleMilliseconds(absl::Now() - begin);
    desk->bytes =
        options_.placement.device.is_cpu() ? bytes : FileBytes(*desk->model);
  }
  desk->last_use = ++uses_;
  const std::shared_ptr<Desk> found = desk;
  MakeRoom();
  return found;
}

absl::StatusOr<std::shared_ptr<const ControlNet>> Shelf::GetControl(
    Desk* desk, const std::string& folder) {
  std::shared_ptr<const ControlNet>& net = desk->controls[folder];
  if (net == nullptr) {
    size_t bytes = 0;
    const uint64_t first_file = NextMappedFile();
    auto loaded = Measured(&bytes, [&] {
      return ControlNet::Load(folder, desk->model->options.load,
                              options_.placement);
    });
    if (!loaded.ok()) {
      desk->controls.erase(folder);
      return loaded.status();
    }
    net = *std::move(loaded);
    desk->files.emplace_back(first_file, NextMappedFile());
    desk->bytes += options_.placement.device.is_cpu()
                       ? bytes
                       : FileBytes(folder, desk->model->options.load);
  }
  const std::shared_ptr<const ControlNet> found = net;
  MakeRoom();
  return found;
}

bool Shelf::PutOneAway() {
  auto oldest = desks_.end();
  for (auto it = desks_.begin(); it != desks_.end(); ++it) {
    // A place that is being loaded holds nothing yet.
    if (it->second == nullptr || it->second.use_count() > 1) continue;
    if (oldest == desks_.end() ||
        it->second->last_use < oldest->second->last_use) {
      oldest = it;
    }
  }
  if (oldest == desks_.end()) return false;
  desks_.erase(oldest);
  ReleaseKeptMemory();
  return true;
}

Engine::Together Shelf::together() const {
  Engine::Together all;
  for (const auto& entry : desks_) {
    if (entry.second == nullptr) continue;
    const Engine::Together own = entry.second->engine.together();
    all.most = std::max(all.most, own.most);
    if (own.ran_out > 0 && (all.ran_out == 0 || own.ran_out < all.ran_out)) {
      all.ran_out = own.ran_out;
    }
  }
  return all;
}

void Shelf::ForgetLimits() const {
  for (const auto& entry : desks_) {
    if (entry.second != nullptr) entry.second->engine.ForgetLimits();
  }
}

size_t Shelf::bytes() const {
  size_t sum = 0;
  for (const auto& entry : desks_) {
    if (entry.second != nullptr) sum += entry.second->bytes;
  }
  return sum;
}

// What was just asked for is held by whoever asked, and stays.
void Shelf::MakeRoom() {
  if (options_.bytes_max == 0) return;
  while (bytes() > options_.bytes_max && PutOneAway()) {
  }
}

}  // namespace sheaf::engine
