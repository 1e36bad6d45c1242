#include "inference/engine/weights/dtype.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace sheaf::engine {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
  size_t size;
};
constexpr std::array kRows = {
    Row{DType::kF64, "F64", 8},        Row{DType::kF32, "F32", 4},
    Row{DType::kF16, "F16", 2},        Row{DType::kBF16, "BF16", 2},
    Row{DType::kF8E4M3, "F8_E4M3", 1}, Row{DType::kF8E5M2, "F8_E5M2", 1},
    Row{DType::kI64, "I64", 8},        Row{DType::kI32, "I32", 4},
    Row{DType::kI16, "I16", 2},        Row{DType::kI8, "I8", 1},
    Row{DType::kU8, "U8", 1},          Row{DType::kBool, "BOOL", 1},
};

const Row& RowOf(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

// `as_float` of every element read as a T.
template <typename T, typename F>
void Convert(const std::byte* from, size_t count, float* to, F as_float) {
  for (size_t i = 0; i < count; ++i) {
    T element;
    std::memcpy(&element, from + i * sizeof(T), sizeof(T));
    to[i] = as_float(element);
  }
}

template <typename T>
void ConvertNumber(const std::byte* from, size_t count, float* to) {
  Convert<T>(from, count, to, [](T x) { return static_cast<float>(x); });
}

}  // namespace

size_t SizeOf(DType dtype) { return RowOf(dtype).size; }

std::string_view NameOf(DType dtype) { return RowOf(dtype).name; }

std::optional<DType> DTypeNamed(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

float HalfToFloat(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  float value;
  if (exponent == 31) {
    value = mantissa == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    value = std::bit_cast<float>(static_cast<uint32_t>(exponent + 112) << 23 |
                                 static_cast<uint32_t>(mantissa) << 13);
  }
  return bits >> 15 ? -value : value;
}

float BFloat16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

float F8E4M3ToFloat(uint8_t bits) {
  const int exponent = bits >> 3 & 15;
  const int mantissa = bits & 7;
  float value;
  if (exponent == 15 && mantissa == 7) {
    value = std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -9);
  } else {
    value = std::ldexp(static_cast<float>(mantissa + 8), exponent - 10);
  }
  return bits >> 7 ? -value : value;
}

float F8E5M2ToFloat(uint8_t bits) {
  // The upper byte of a half.
  return HalfToFloat(static_cast<uint16_t>(bits << 8));
}

uint16_t FloatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = bits >> 16 & 0x8000;
  const float size = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7E00;
  if (size >= 65520.0f) return sign | 0x7C00;
  if (size < 6.103515625e-05f) {
    // Subnormal: whole multiples of 2^-24. nearbyint rounds ties to even; a
    // result of 1024 is the smallest normal half, whose bits are those too.
    return sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(size, 24)));
  }
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  const uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
  return sign | static_cast<uint16_t>((rounded >> 13) - (112 << 10));
}

uint16_t FloatToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

void ConvertToFloat(DType dtype, const std::byte* from, size_t count,
                    float* to) {
  switch (dtype) {
    case DType::kF64:
      return ConvertNumber<double>(from, count, to);
    case DType::kF32:
      return ConvertNumber<float>(from, count, to);
    case DType::kF16:
      return Convert<uint16_t>(from, count, to, HalfToFloat);
    case DType::kBF16:
      return Convert<uint16_t>(from, count, to, BFloat16ToFloat);
    case DType::kF8E4M3:
      return Convert<uint8_t>(from, count, to, F8E4M3ToFloat);
    case DType::kF8E5M2:
      return Convert<uint8_t>(from, count, to, F8E5M2ToFloat);
    case DType::kI64:
      return ConvertNumber<int64_t>(from, count, to);
    case DType::kI32:
      return ConvertNumber<int32_t>(from, count, to);
    case DType::kI16:
      return ConvertNumber<int16_t>(from, count, to);
    case DType::kI8:
      return ConvertNumber<int8_t>(from, count, to);
    case DType::kU8:
      return ConvertNumber<uint8_t>(from, count, to);
    case DType::kBool:
      return Convert<uint8_t>(from, count, to,
                              [](uint8_t x) { return x != 0 ? 1.0f : 0.0f; });
  }
}

}  // namespace sheaf::engine
