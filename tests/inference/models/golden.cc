#include "tests/inference/models/golden.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/check.h"
#include "inference/weights/safetensors.h"

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

std::vector<std::string> GoldenNames(const std::string& folder,
                                     const std::string& part) {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(GoldenPath(folder))) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view kEnding = ".safetensors";
    if (!name.ends_with(kEnding)) continue;
    if (name.find(part) == std::string::npos) continue;
    names.push_back(name.substr(0, name.size() - kEnding.size()));
  }
  std::sort(names.begin(), names.end());
  SHEAF_CHECK(!names.empty());
  return names;
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

std::string TestName(std::string name) {
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

}  // namespace sheaf::engine
