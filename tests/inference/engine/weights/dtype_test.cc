#include "inference/engine/weights/dtype.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(DTypeTest, EveryTypeIsFoundByItsName) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(DTypeNamed(NameOf(dtype)), dtype);
  }
  EXPECT_EQ(DTypeNamed("F128"), std::nullopt);
  EXPECT_EQ(DTypeNamed("f32"), std::nullopt);
  EXPECT_EQ(SizeOf(DType::kF64), 8u);
  EXPECT_EQ(SizeOf(DType::kBF16), 2u);
  EXPECT_EQ(SizeOf(DType::kBool), 1u);
}

TEST(DTypeTest, HalvesHaveTheirKnownValues) {
  EXPECT_EQ(HalfToFloat(0x3C00), 1.0f);
  EXPECT_EQ(HalfToFloat(0xC000), -2.0f);
  EXPECT_EQ(HalfToFloat(0x7BFF), 65504.0f);
  EXPECT_EQ(HalfToFloat(0x0400), std::ldexp(1.0f, -14));
  EXPECT_EQ(HalfToFloat(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(HalfToFloat(0x7C00), kInfinity);
  EXPECT_EQ(HalfToFloat(0xFC00), -kInfinity);
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7C01)));
  EXPECT_TRUE(std::signbit(HalfToFloat(0x8000)));
}

TEST(DTypeTest, EveryHalfSurvivesTheWayToFloatAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(FloatToHalf(value), bits) << bits;
  }
}

TEST(DTypeTest, FloatsRoundToTheNearestHalfAndTiesToEven) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 100000; ++i) {
    uint32_t bits = static_cast<uint32_t>(random());
    float value;
    std::memcpy(&value, &bits, 4);
    value = std::fmod(value, 70000.0f);
    if (std::isnan(value)) continue;
    const uint16_t half = FloatToHalf(value);
    const float back = HalfToFloat(half);
    if (std::isinf(back)) {
      EXPECT_GE(std::fabs(value), 65520.0f);
      continue;
    }
    for (const int step : {-1, 1}) {
      if ((half & 0x7FFF) == 0 && step < 0) continue;
      const float other = HalfToFloat(static_cast<uint16_t>(half + step));
      if (std::isinf(other) || std::isnan(other)) continue;
      const double mine = std::fabs(double{back} - value);
      const double theirs = std::fabs(double{other} - value);
      ASSERT_LE(mine, theirs) << value;
      if (mine == theirs) {
        ASSERT_EQ(half & 1, 0) << value;
      }
    }
  }
  EXPECT_EQ(FloatToHalf(65519.0f), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7C00);
  EXPECT_EQ(FloatToHalf(std::ldexp(1.0f, -25)), 0);
  EXPECT_EQ(FloatToHalf(std::ldexp(1.5f, -25)), 1);
}

TEST(DTypeTest, BrainFloatsAreTheUpperHalfOfAFloat) {
  EXPECT_EQ(BFloat16ToFloat(0x3F80), 1.0f);
  EXPECT_EQ(FloatToBFloat16(1.0f), 0x3F80);
  EXPECT_EQ(FloatToBFloat16(1.00390625f), 0x3F80);  // A tie: to even.
  EXPECT_EQ(FloatToBFloat16(1.01171875f), 0x3F82);
  EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(NAN))));
}

TEST(DTypeTest, EightBitFloatsHaveTheirKnownValues) {
  EXPECT_EQ(F8E4M3ToFloat(0x38), 1.0f);
  EXPECT_EQ(F8E4M3ToFloat(0x7E), 448.0f);
  EXPECT_EQ(F8E4M3ToFloat(0x01), std::ldexp(1.0f, -9));
  EXPECT_TRUE(std::isnan(F8E4M3ToFloat(0x7F)));
  EXPECT_EQ(F8E5M2ToFloat(0x3C), 1.0f);
  EXPECT_EQ(F8E5M2ToFloat(0x7B), 57344.0f);
  EXPECT_EQ(F8E5M2ToFloat(0xFC), -kInfinity);
}

TEST(DTypeTest, ElementsNeedNoAlignment) {
  alignas(8) std::byte bytes[1 + 2 * sizeof(int64_t)];
  const int64_t values[] = {-5, 1 << 20};
  std::memcpy(bytes + 1, values, sizeof(values));
  float out[2];
  ConvertToFloat(DType::kI64, bytes + 1, 2, out);
  EXPECT_EQ(out[0], -5.0f);
  EXPECT_EQ(out[1], 1048576.0f);
}

}  // namespace
}  // namespace sheaf::engine
