// Any bytes as a PNG file: refused, or a picture of the size it says, which is
// written and read again without change; its texts, as parameters.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inference/engine/image/metadata.h"
#include "inference/engine/image/png.h"

// libpng has no frame pointers: the traces the sanitizer keeps of its
// allocations are garbage, each a new one, and would fill the memory.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "malloc_context_size=1:quarantine_size_mb=16:"
         "thread_local_quarantine_size_kb=64";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sheaf::engine;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ParseParameters(bytes).status().IgnoreError();
  // Small limits: the sanitizer keeps what was freed, of every size, for long.
  const auto file =
      DecodePng(bytes, {.picture = {.side_max = 64, .pixels_max = 64 * 64},
                        .chunk_bytes_max = 16384});
  if (!file.ok()) return 0;
  const auto again = EncodePng(file->image, {});
  if (!again.ok()) std::abort();
  if (DecodePng(*again)->image.pixels != file->image.pixels) std::abort();
  for (const auto& [key, text] : file->texts) {
    const auto made = ParseParameters(text);
    if (made.ok()) ParametersText(*made);
  }
  return 0;
}
