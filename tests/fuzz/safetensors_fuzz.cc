// Any bytes as a safetensors file: refused, or every tensor lies inside it and
// what is written again reads the same.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

Tensor Copied(const SafetensorsEntry& entry, std::string_view data) {
  std::vector<std::byte> bytes(entry.end - entry.begin);
  if (!bytes.empty()) {
    std::memcpy(bytes.data(), data.data() + entry.begin, bytes.size());
  }
  return MakeTensor(entry.dtype, entry.shape, std::move(bytes));
}

void Check(std::string_view file) {
  const auto header = ParseSafetensors(file);
  if (!header.ok()) return;
  const std::string_view data = file.substr(header->data_offset);
  TensorMap tensors;
  for (const SafetensorsEntry& entry : header->entries) {
    if (entry.end > data.size()) std::abort();
    Tensor tensor = Copied(entry, data);
    if (tensor.byte_count() != entry.end - entry.begin) std::abort();
    tensor.ToFloats();
    tensors.emplace(entry.name, std::move(tensor));
  }
  const std::string again = EncodeSafetensors(tensors, header->metadata);
  const auto reread = ParseSafetensors(again);
  if (!reread.ok() || reread->entries.size() != header->entries.size() ||
      reread->metadata != header->metadata) {
    std::abort();
  }
}

}  // namespace
}  // namespace sheaf::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sheaf::engine::Check(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
