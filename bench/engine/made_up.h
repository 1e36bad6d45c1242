// Models that engine_bench measures. Their weights are made up by a rule that
// ten lines of any language can follow, so that nothing has to be downloaded
// and two programs compute the same numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/engine/families/unet/unet.h"

namespace sheaf::engine {

struct BenchModel {
  std::string_view name;
  int64_t side;             // The side of its latents, which have 4 channels.
  int64_t context_width;    // Of a prompt's tokens.
  std::string_view config;  // As config.json.
};

// "tiny", "small" and "sd15".
const std::vector<BenchModel>& BenchModels();

// Numbers in [-1, 1), the same for the same key. With h the 64-bit FNV-1a hash
// of `key`: the i-th is 2 u - 1, where u is the upper 24 bits of
// splitmix64(h + i), as a part of 2^24.
std::vector<float> MadeUp(std::string_view key, size_t count);

// A UNet of that shape. A weight is MadeUp(its key) / sqrt(fan in), fan in
// being all of its dimensions but the first; a norm's weight is 1 + 0.1 times
// it, a bias 0.1 times it; all in single precision. INVALID_ARGUMENT where the
// configuration is not valid.
absl::StatusOr<std::unique_ptr<UNet>> MakeUpUNet(const BenchModel& model,
                                                 const Placement& placement);

}  // namespace sheaf::engine
