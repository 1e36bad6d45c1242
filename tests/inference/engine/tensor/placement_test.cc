#include "inference/engine/tensor/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sheaf::engine {
namespace {

const std::vector<std::string> kTwo = {"cuda:0", "cuda:1"};
const std::vector<std::string> kNone = {"cpu"};

TEST(PlacementTest, AutoIsHalfPrecisionOnAGpuAndFullOnACpu) {
  EXPECT_EQ(PlacementNamed("cuda:1", "auto", kTwo)->dtype, at::kHalf);
  EXPECT_EQ(PlacementNamed("cpu", "auto", kTwo)->dtype, at::kFloat);
}

TEST(PlacementTest, CudaIsTheFirstGpu) {
  const auto first = PlacementNamed("cuda", "fp32", kTwo);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->device, at::Device(at::kCUDA, 0));
}

TEST(PlacementTest, AGpuThatIsNotHereIsRefused) {
  const auto beyond = PlacementNamed("cuda:2", "fp32", kTwo);
  EXPECT_TRUE(absl::IsFailedPrecondition(beyond.status()));
  EXPECT_THAT(std::string(beyond.status().message()),
              testing::HasSubstr("the last GPU is cuda:1"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      PlacementNamed("cuda", "fp32", kNone).status()));
}

TEST(PlacementTest, UnknownNamesAreRefused) {
  for (const char* device : {"abacus", "cuda:x", "auto"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(PlacementNamed(device, "fp32", kTwo).status()))
        << device;
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(PlacementNamed("cpu", "fp8", kNone).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(PlacementNamed("cpu", "fp16", kNone).status()));
}

}  // namespace
}  // namespace sheaf::engine
