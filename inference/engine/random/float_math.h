// Single-precision logarithm, sine and cosine, bit for bit as PyTorch's vector
// code computes them where it fills tensors with normal numbers: the classic
// Cephes polynomials, with a fused multiply-add wherever the compiler put one.
// The last bit differs from the C library's in one number of five.
#pragma once

namespace sheaf::engine {

// The natural logarithm of a positive number.
float VectorLog(float x);

struct SineCosine {
  float sine;
  float cosine;
};
// The sine and cosine of a number in [0, 8192].
SineCosine VectorSineCosine(float x);

}  // namespace sheaf::engine
