#include "inference/engine/tensor/hardware.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/status.h"

namespace sheaf::engine {
namespace {

std::string TextOf(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "550.54.15", and no word that only begins so.
bool IsVersion(absl::string_view word) {
  return !word.empty() && absl::ascii_isdigit(word[0]) &&
         word.find('.') != absl::string_view::npos &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return c == '.' || absl::ascii_isdigit(c); });
}

}  // namespace

std::string ProcessorNameIn(std::string_view cpuinfo) {
  for (const absl::string_view line : absl::StrSplit(ToAbsl(cpuinfo), '\n')) {
    const std::pair<absl::string_view, absl::string_view> field =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::StripAsciiWhitespace(field.first) != "model name") continue;
    std::string name(field.second);
    absl::RemoveExtraAsciiWhitespace(&name);
    return name;
  }
  return "";
}

std::string DriverVersionIn(std::string_view version) {
  const absl::string_view text = ToAbsl(version);
  for (const absl::string_view word :
       absl::StrSplit(text.substr(0, text.find('\n')), ' ')) {
    if (IsVersion(word)) return std::string(word);
  }
  return "";
}

std::string ProcessorName() { return ProcessorNameIn(TextOf("/proc/cpuinfo")); }

// By the driver's own library, whose functions have kept their form since CUDA
// 4. A build against CUDA's headers would be needed otherwise.
Card CudaCard(int index) {
  Card card;
  card.driver = DriverVersionIn(TextOf("/proc/driver/nvidia/version"));
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return card;
  const auto find = [&](auto** function, const char* name) {
    *function = reinterpret_cast<std::remove_pointer_t<decltype(function)>>(
        dlsym(library, name));
    return *function != nullptr;
  };
  int (*init)(unsigned) = nullptr;
  int (*get)(int*, int) = nullptr;
  int (*get_name)(char*, int, int) = nullptr;
  int (*get_memory)(size_t*, int) = nullptr;
  int device = 0;
  std::array<char, 256> name{};
  if (find(&init, "cuInit") && find(&get, "cuDeviceGet") &&
      find(&get_name, "cuDeviceGetName") &&
      find(&get_memory, "cuDeviceTotalMem_v2") && init(0) == 0 &&
      get(&device, index) == 0) {
    if (get_name(name.data(), static_cast<int>(name.size()) - 1, device) == 0) {
      card.name = name.data();
    }
    if (get_memory(&card.memory_bytes, device) != 0) card.memory_bytes = 0;
  }
  dlclose(library);
  return card;
}

}  // namespace sheaf::engine
