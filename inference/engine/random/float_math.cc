#include "inference/engine/random/float_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace sheaf::engine {
namespace {

// Coefficients from the highest power down.
float Polynomial(float x, float first, std::initializer_list<float> rest) {
  float sum = first;
  for (const float coefficient : rest) sum = std::fma(sum, x, coefficient);
  return sum;
}

}  // namespace

float VectorLog(float x) {
  // x = mantissa * 2^exponent, the mantissa in [sqrt(1/2), sqrt(2)).
  const auto bits = std::bit_cast<uint32_t>(x);
  auto exponent = static_cast<float>(static_cast<int>(bits >> 23) - 126);
  float mantissa = std::bit_cast<float>((bits & 0x007FFFFF) | 0x3F000000);
  if (mantissa < 0.707106781186547524f) {
    exponent -= 1.0f;
    mantissa += mantissa - 1.0f;
  } else {
    mantissa -= 1.0f;
  }
  const float square = mantissa * mantissa;
  const float series =
      Polynomial(mantissa, 7.0376836292e-2f,
                 {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
                  1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f,
                  -2.4999993993e-1f, 3.3333331174e-1f}) *
      mantissa;
  // log(2) in two parts, the larger exact in few bits.
  float rest = std::fma(series, square, exponent * -2.12194440e-4f);
  rest = std::fma(-square, 0.5f, rest);
  return std::fma(exponent, 0.693359375f, mantissa + rest);
}

SineCosine VectorSineCosine(float x) {
  // The octant, rounded up to an even one; the remainder of x lies in [-pi/4,
  // pi/4].
  const int octant = (static_cast<int>(x * 1.27323954473516f) + 1) & ~1;
  const auto count = static_cast<float>(octant);
  // pi/4 in three parts.
  x = std::fma(count, -0.78515625f, x);
  x = std::fma(count, -2.4187564849853515625e-4f, x);
  x = std::fma(count, -3.77489497744594108e-8f, x);
  const float square = x * x;
  const float even =
      Polynomial(square, 2.443315711809948e-5f,
                 {-1.388731625493765e-3f, 4.166664568298827e-2f}) *
      square;
  const float cosine = std::fma(even, square, square * -0.5f) + 1.0f;
  const float odd = Polynomial(square, -1.9515295891e-4f,
                               {8.3321608736e-3f, -1.6666654611e-1f}) *
                    square;
  const float sine = std::fma(odd, x, x);
  const bool swapped = (octant & 2) != 0;
  const bool sine_negative = (octant & 4) != 0;
  const bool cosine_negative = ((octant - 2) & 4) == 0;
  const float s = swapped ? cosine : sine;
  const float c = swapped ? sine : cosine;
  return {sine_negative ? -s : s, cosine_negative ? -c : c};
}

}  // namespace sheaf::engine
