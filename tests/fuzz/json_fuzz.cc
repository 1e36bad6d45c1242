// Any bytes as stored params: they are refused, or they mean something that is
// written and read again without change.
#include <cstdint>
#include <cstdlib>

#include "queue/params.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<sheaf::RunParams> params = sheaf::DecodeParams(text);
  if (!params.ok()) return 0;
  const std::string canonical = sheaf::Encode(*params);
  const absl::StatusOr<sheaf::RunParams> again = sheaf::DecodeParams(canonical);
  if (!again.ok() || !(*again == *params)) std::abort();
  if (sheaf::Encode(*again) != canonical) std::abort();
  return 0;
}
