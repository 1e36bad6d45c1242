// The element types of tensors in weight files, and how to read them as floats.
// Does not use LibTorch: types that it does not know (float8) are still read
// here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sheaf::engine {

enum class DType : uint8_t {
  kF64,
  kF32,
  kF16,
  kBF16,
  kF8E4M3,
  kF8E5M2,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
};

// Bytes of one element.
size_t SizeOf(DType dtype);

// As safetensors writes it: "F32", "BF16", "F8_E4M3"...
std::string_view NameOf(DType dtype);

// None for a name that is no type of ours.
std::optional<DType> DTypeNamed(std::string_view name);

// The values of 16-bit and 8-bit floats, exactly; infinities and NaN too.
float HalfToFloat(uint16_t bits);
float BFloat16ToFloat(uint16_t bits);
float F8E4M3ToFloat(uint8_t bits);
float F8E5M2ToFloat(uint8_t bits);

// The nearest value, ties to even, as hardware and numpy round.
uint16_t FloatToHalf(float value);
uint16_t FloatToBFloat16(float value);

// Reads `count` elements of any type at `from`, which needs no alignment.
// 64-bit integers and doubles lose what a float cannot hold.
void ConvertToFloat(DType dtype, const std::byte* from, size_t count,
                    float* to);

}  // namespace sheaf::engine
