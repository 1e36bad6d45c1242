#include "tests/inference/engine/models/golden.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {

std::string GoldenPath(const std::string& path) {
  return std::string(SHEAF_SOURCE_DIR "/tests/golden/") + path;
}

GoldenModule ReadGolden(const std::string& path) {
  auto file = ReadSafetensors(GoldenPath(path + ".safetensors"));
  SHEAF_CHECK(file.ok());
  GoldenModule golden;
  golden.metadata = file->metadata;
  for (const auto& [name, tensor] : file->tensors) {
    golden.tensors[name] = ToTorch(tensor);
  }
  return golden;
}

double Difference(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined() || !b.defined() || a.sizes() != b.sizes()) {
    return std::numeric_limits<double>::infinity();
  }
  const double difference =
      (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
  return std::isnan(difference) ? std::numeric_limits<double>::infinity()
                                : difference;
}

}  // namespace sheaf::engine
