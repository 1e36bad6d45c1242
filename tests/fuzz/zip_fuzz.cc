// Any bytes as a ZIP archive: refused, or entries that lie inside the file,
// byte for byte.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inference/engine/weights/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto entries = sheaf::engine::ReadStoredZip(file);
  if (!entries.ok()) return 0;
  for (const auto& entry : *entries) {
    const std::string_view bytes = entry.second;
    if (bytes.data() < file.data() ||
        bytes.data() + bytes.size() > file.data() + file.size()) {
      std::abort();
    }
    uint8_t sum = 0;
    for (const char byte : bytes) sum = static_cast<uint8_t>(sum + byte);
    volatile uint8_t seen = sum;  // Or the loop might be left out.
    (void)seen;
  }
  return 0;
}
