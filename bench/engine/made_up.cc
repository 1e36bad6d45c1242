#include "bench/engine/made_up.h"

#include <cmath>

#include "base/status.h"
#include "inference/engine/models/load.h"
#include "inference/engine/weights/binder.h"

namespace sheaf::engine {
namespace {

constexpr std::string_view kTiny = R"({
  "in_channels": 4, "out_channels": 4, "sample_size": 16,
  "block_out_channels": [32, 64], "layers_per_block": 1,
  "cross_attention_dim": 32, "attention_head_dim": 4,
  "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
  "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]})";

constexpr std::string_view kSmall = R"({
  "in_channels": 4, "out_channels": 4, "sample_size": 32,
  "block_out_channels": [64, 128, 256], "layers_per_block": 2,
  "cross_attention_dim": 256, "attention_head_dim": 8,
  "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                       "DownBlock2D"],
  "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D",
                     "CrossAttnUpBlock2D"]})";

constexpr std::string_view kSd15 = R"({
  "in_channels": 4, "out_channels": 4, "sample_size": 64,
  "block_out_channels": [320, 640, 1280, 1280], "layers_per_block": 2,
  "cross_attention_dim": 768, "attention_head_dim": 8,
  "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                       "CrossAttnDownBlock2D", "DownBlock2D"],
  "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D",
                     "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]})";

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

uint64_t SplitMix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

Tensor MakeUpWeight(const std::string& key, const std::vector<int64_t>& shape) {
  const auto count = static_cast<size_t>(CheckedElementCount(shape));
  std::vector<float> values = MadeUp(key, count);
  float scale = 0.1f;
  float offset = 0;
  if (shape.size() > 1) {
    const double fan_in = static_cast<double>(count) / shape[0];
    scale = static_cast<float>(1 / std::sqrt(fan_in));
  } else if (key.ends_with("weight")) {
    offset = 1;
  }
  for (float& value : values) value = offset + scale * value;
  return MakeFloatTensor(shape, values);
}

}  // namespace

const std::vector<BenchModel>& BenchModels() {
  static const auto* models =
      new std::vector<BenchModel>{{"tiny", 16, 32, kTiny},
                                  {"small", 32, 256, kSmall},
                                  {"sd15", 64, 768, kSd15}};
  return *models;
}

std::vector<float> MadeUp(std::string_view key, size_t count) {
  const uint64_t hash = Fnv1a(key);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    const auto high = static_cast<float>(SplitMix(hash + i) >> 40);
    values[i] = high * 0x1p-23f - 1;
  }
  return values;
}

absl::StatusOr<std::unique_ptr<UNet>> MakeUpUNet(const BenchModel& model,
                                                 const Placement& placement) {
  const std::string name(model.name);
  SHEAF_ASSIGN_OR_RETURN(const Config json, Config::Parse(model.config, name));
  SHEAF_ASSIGN_OR_RETURN(const UNetConfig config, ReadUNetConfig(json));
  // Built once without weights, to hear which ones it wants.
  const TensorMap none;
  WeightBinder binder(none, name);
  AdapterSlots slots;
  const UNet asking(ModuleScope(WeightScope(&binder), placement, &slots),
                    config);
  TensorMap tensors;
  for (const auto& [key, shape] : binder.missing()) {
    tensors.emplace(key, MakeUpWeight(key, shape));
  }
  return BuildModule<UNet>(tensors, name, placement, config, nullptr);
}

}  // namespace sheaf::engine
