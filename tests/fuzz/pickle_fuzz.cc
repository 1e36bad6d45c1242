// Any bytes as a .pt file, and as the pickle inside one: refused, or tensors
// whose every element can be read.
#include <cstdint>
#include <string_view>

#include "inference/engine/weights/pickle.h"
#include "inference/engine/weights/pickle_machine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto tensors = sheaf::engine::ParsePickle(file);
  if (tensors.ok()) {
    for (const auto& [name, tensor] : *tensors) tensor.ToFloats();
  }
  sheaf::engine::RunPickle(file).status().IgnoreError();
  return 0;
}
