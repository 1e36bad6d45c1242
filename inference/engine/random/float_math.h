// Single-precision logarithm, sine and cosine, bit for bit as PyTorch's vector
// code computes them where it fills tensors with normal numbers: the classic
// Cephes polynomials, with a fused multiply-add wherever the compiler put one.
// The last bit differs from the C library's in one number of five.
#pragma once

namespace sheaf::engine {

// Of a positive number.
float VectorLog(float x);

struct SineCosine {
  float sine;
  float cosine;
};
// Of a number in [0, 8192].
SineCosine VectorSineCosine(float x);

}  // namespace sheaf::engine
