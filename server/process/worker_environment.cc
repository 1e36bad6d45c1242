#include "server/process/worker_environment.h"

#include <string_view>

namespace sheaf::server {
namespace {

constexpr std::string_view kUsual[] = {
    "PATH", "HOME", "USER", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
    "XDG_CACHE_HOME",
    // Where libraries are, and how much of the machine they take.
    "LD_LIBRARY_PATH", "MALLOC_*", "GLIBC_TUNABLES", "OMP_*", "GOMP_*", "KMP_*",
    "MKL_*", "OPENBLAS_*", "ONEDNN_*", "ATEN_*", "TORCH_*", "PYTORCH_*",
    // GPUs.
    "CUDA_*", "NVIDIA_*", "NCCL_*", "CUBLAS_*", "CUDNN_*", "HIP_*", "HSA_*",
    "ROCR_*",
    // Our own, and the options of a sanitizer's build.
    "SHEAF_WORKER_*", "SHEAF_MODELS", "ASAN_OPTIONS", "LSAN_OPTIONS",
    "TSAN_OPTIONS", "UBSAN_OPTIONS"};

bool Means(std::string_view pattern, std::string_view name) {
  if (pattern.empty() || pattern.back() != '*') return pattern == name;
  pattern.remove_suffix(1);
  return name.substr(0, pattern.size()) == pattern;
}

}  // namespace

std::vector<std::string> WorkerEnvironment(
    const char* const* variables, const std::vector<std::string>& further) {
  std::vector<std::string> chosen;
  for (; *variables != nullptr; ++variables) {
    const std::string_view variable = *variables;
    const std::string_view name = variable.substr(0, variable.find('='));
    bool wanted = false;
    for (const std::string_view pattern : kUsual) {
      wanted = wanted || Means(pattern, name);
    }
    for (const std::string& pattern : further) {
      wanted = wanted || Means(pattern, name);
    }
    if (wanted) chosen.emplace_back(variable);
  }
  return chosen;
}

}  // namespace sheaf::server
