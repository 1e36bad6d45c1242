// Loops over floats, for the compiler to make wide. `x` holds `channels` values
// for each pixel.
#pragma once

#include <cstdint>

namespace sheaf::engine {

// sums[c] = sum of x[p][c]
void SumChannels(const float* x, int64_t pixels, int64_t channels, float* sums);

// sums[c] = sum of (x[p][c] - middle[c])^2
void SumSquares(const float* x, int64_t pixels, int64_t channels,
                const float* middle, float* sums);

// y[p][c] = (x[p][c] - middle[c]) * scale[c] + shift[c]
void ScaleAndShift(const float* x, int64_t pixels, int64_t channels,
                   const float* middle, const float* scale, const float* shift,
                   float* y);

}  // namespace sheaf::engine
