#include "inference/engine/random/normals.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "inference/engine/weights/safetensors.h"

namespace sheaf::engine {
namespace {

using testing::FloatNear;
using testing::Pointwise;

TEST(NormalsTest, TheCpuStreamIsTorchsToTheLastBit) {
  const auto file =
      ReadSafetensors(std::string(SHEAF_SOURCE_DIR) +
                      "/tests/golden/modules/cpu-randn.safetensors");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_GE(file->tensors.size(), 5u);
  for (const auto& [name, tensor] : file->tensors) {
    const uint64_t seed = std::stoull(name.substr(name.find('_') + 1));
    EXPECT_EQ(Normals(RandomMode::kCpu, seed).Draw(256), tensor.ToFloats())
        << name;
  }
}

// The numbers of torch.manual_seed(0); torch.randn(6).
TEST(NormalsTest, FewerThanSixteenTakeTheScalarPath) {
  const std::vector<float> known = {1.5410f, -0.2934f, -2.1788f,
                                    0.5684f, -1.0845f, -1.3986f};
  EXPECT_THAT(Normals(RandomMode::kCpu, 0).Draw(6),
              Pointwise(FloatNear(5e-5), known));
  // The second of a pair waits for the next call.
  Normals normals(RandomMode::kCpu, 0);
  std::vector<float> parts = normals.Draw(1);
  for (const float x : normals.Draw(5)) parts.push_back(x);
  EXPECT_THAT(parts, Pointwise(FloatNear(5e-5), known));
}

TEST(NormalsTest, AnOddTailIsDrawnAnew) {
  const std::vector<float> even = Normals(RandomMode::kCpu, 7).Draw(32);
  const std::vector<float> odd = Normals(RandomMode::kCpu, 7).Draw(40);
  ASSERT_EQ(odd.size(), 40u);
  EXPECT_TRUE(std::equal(odd.begin(), odd.begin() + 24, even.begin()));
  EXPECT_FALSE(
      std::equal(odd.begin() + 24, odd.begin() + 32, even.begin() + 24));
}

// Known answers published with the generator.
TEST(PhiloxTest, TheRoundsGiveTheKnownWords) {
  const auto words = [](PhiloxCounter counter, uint64_t key) {
    const PhiloxCounter out = Philox4x32(counter, key);
    return std::vector<uint32_t>(out.words, out.words + 4);
  };
  EXPECT_THAT(
      words({{0, 0, 0, 0}}, 0),
      testing::ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(
      words({{~0u, ~0u, ~0u, ~0u}}, ~uint64_t{0}),
      testing::ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      words({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
            0x299f31d0a4093822),
      testing::ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

// The numbers of torch.randn on CUDA after manual_seed(0), as web interfaces
// document them.
TEST(PhiloxTest, TheStreamIsThatOfCuda) {
  const std::vector<float> known = {-0.92466259f, -0.42534415f, -2.6438457f,
                                    0.14518388f,  -0.12086647f, -0.57972564f,
                                    -0.62285122f, -0.32838709f, -1.07454231f,
                                    -0.36314407f, -1.67105067f, 2.26550497f};
  EXPECT_THAT(Normals(RandomMode::kPhilox, 0).Draw(12),
              Pointwise(FloatNear(1e-6), known));
}

TEST(PhiloxTest, EachCallHasACounterOfItsOwn) {
  Normals normals(RandomMode::kPhilox, 5);
  const std::vector<float> first = normals.Draw(64);
  EXPECT_NE(normals.Draw(64), first);
  EXPECT_EQ(Normals(RandomMode::kPhilox, 5).Draw(64), first);
}

TEST(NormalsTest, ACopyGoesOnAsTheOriginal) {
  for (const RandomMode mode : {RandomMode::kCpu, RandomMode::kPhilox}) {
    Normals original(mode, 3);
    original.Draw(5);
    Normals copy = original;
    EXPECT_EQ(copy.Draw(100), original.Draw(100));
  }
}

TEST(NormalsTest, TheNumbersAreNormal) {
  for (const RandomMode mode : {RandomMode::kCpu, RandomMode::kPhilox}) {
    double sum = 0;
    double square = 0;
    const std::vector<float> values = Normals(mode, 1).Draw(100000);
    for (const float x : values) {
      ASSERT_TRUE(std::isfinite(x));
      sum += x;
      square += double{x} * x;
    }
    EXPECT_NEAR(sum / 100000, 0, 0.015);
    EXPECT_NEAR(square / 100000, 1, 0.02);
  }
}

TEST(NormalsTest, ModesHaveNames) {
  EXPECT_EQ(RandomModeNamed("cpu"), RandomMode::kCpu);
  EXPECT_EQ(RandomModeNamed("nv"), RandomMode::kPhilox);
  EXPECT_EQ(RandomModeNamed(NameOf(RandomMode::kPhilox)), RandomMode::kPhilox);
  EXPECT_EQ(RandomModeNamed("dice"), std::nullopt);
}

}  // namespace
}  // namespace sheaf::engine
