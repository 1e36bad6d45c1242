#include "inference/engine/verify/cases.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "base/status.h"
#include "inference/engine/tensor/guard.h"
#include "inference/engine/tensor/module_scope.h"
#include "inference/engine/weights/file.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

constexpr size_t kCasesBytesMax = size_t{256} << 20;

}  // namespace

void CaseList::Run(const std::string& group, const std::string& name,
                   const std::function<absl::Status(Outcome*)>& check) {
  if (name.find(options_.filter) == std::string::npos) return;
  Outcome outcome = {.group = group, .name = name};
  absl::Status checked;
  const absl::Status guarded =
      Guard("this case", [&] { checked = check(&outcome); });
  const absl::Status& status = guarded.ok() ? checked : guarded;
  if (!status.ok()) outcome.obstacle = std::string(status.message());
  if (options_.progress) options_.progress(outcome);
  outcomes_.push_back(std::move(outcome));
}

absl::StatusOr<std::vector<Json>> ReadJsonLines(const std::string& path) {
  std::vector<Json> lines;
  if (!std::filesystem::exists(path)) return lines;
  SHEAF_ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(path, kCasesBytesMax));
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    // Through Config, since Python writes infinities.
    SHEAF_ASSIGN_OR_RETURN(const Config config, Config::Parse(line, path));
    lines.push_back(config.json());
  }
  return lines;
}

at::Tensor CaseFile::at(const std::string& name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? at::Tensor() : found->second;
}

CaseFile CaseFile::On(at::Device device) const {
  CaseFile moved = *this;
  for (auto& [name, tensor] : moved.tensors) tensor = tensor.to(device);
  return moved;
}

absl::StatusOr<CaseFile> ReadCaseFile(const std::string& path) {
  SHEAF_ASSIGN_OR_RETURN(const SafetensorsFile file, ReadSafetensors(path));
  CaseFile result;
  result.metadata = file.metadata;
  for (const auto& [name, tensor] : file.tensors) {
    result.tensors[name] = ToTorch(tensor);
  }
  return result;
}

void Compare(const at::Tensor& actual, const at::Tensor& expected,
             Outcome* outcome) {
  double error = std::numeric_limits<double>::infinity();
  if (actual.defined() && expected.defined() &&
      actual.sizes() == expected.sizes()) {
    error =
        (actual.to(at::kCPU, at::kDouble) - expected.to(at::kCPU, at::kDouble))
            .abs()
            .max()
            .item<double>();
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
  }
  outcome->error = std::max(outcome->error, error);
}

}  // namespace sheaf::engine
