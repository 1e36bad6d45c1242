// Any bytes as a PNG file: refused, or a picture of the size it says, which is
// written and read again without change; its texts, as parameters.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "inference/image/metadata.h"
#include "inference/image/png.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sheaf::engine;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ParseParameters(bytes).status().IgnoreError();
  // Small limits: the sanitizer keeps what was freed, of every size, for long.
  const auto file = DecodePng(
      bytes, {.side_max = 64, .pixels_max = 64 * 64, .chunk_bytes_max = 16384});
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
