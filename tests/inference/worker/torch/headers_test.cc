// LibTorch's folder of headers brings copies of fmt and protobuf along, which
// would come before those that we link: only the engine may look there.
#include <gtest/gtest.h>

#if __has_include(<torch/torch.h>)
constexpr bool kTorchIsInSight = true;
#else
constexpr bool kTorchIsInSight = false;
#endif

namespace sheaf::worker {
namespace {

TEST(HeadersTest, LibTorchsAreOutOfTheWorkersSight) {
  EXPECT_FALSE(kTorchIsInSight);
}

}  // namespace
}  // namespace sheaf::worker
