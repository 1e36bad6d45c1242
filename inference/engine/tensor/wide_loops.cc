#include "inference/engine/tensor/wide_loops.h"

#include <algorithm>

// The loops below are compiled for wider registers, too; the version to use is
// chosen when the program is loaded. Sanitizers start after that choice, so
// with them there is one version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SHEAF_WIDE \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SHEAF_WIDE
#endif

namespace sheaf::engine {

SHEAF_WIDE void SumChannels(const float* x, int64_t pixels, int64_t channels,
                            float* sums) {
  std::fill_n(sums, channels, 0.0f);
  for (int64_t p = 0; p < pixels; ++p, x += channels) {
    for (int64_t c = 0; c < channels; ++c) sums[c] += x[c];
  }
}

SHEAF_WIDE void SumSquares(const float* x, int64_t pixels, int64_t channels,
                           const float* middle, float* sums) {
  std::fill_n(sums, channels, 0.0f);
  for (int64_t p = 0; p < pixels; ++p, x += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const float away = x[c] - middle[c];
      sums[c] += away * away;
    }
  }
}

SHEAF_WIDE void ScaleAndShift(const float* x, int64_t pixels, int64_t channels,
                              const float* middle, const float* scale,
                              const float* shift, float* y) {
  for (int64_t p = 0; p < pixels; ++p, x += channels, y += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      y[c] = (x[c] - middle[c]) * scale[c] + shift[c];
    }
  }
}

}  // namespace sheaf::engine
