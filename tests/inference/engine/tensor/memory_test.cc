#include "inference/engine/tensor/memory.h"

#include <gtest/gtest.h>

#include "inference/engine/tensor/torch.h"

namespace sheaf::engine {
namespace {

constexpr int64_t kMany = int64_t{256} << 20;

TEST(MemoryTest, CleaningUpGivesBackWhatWasKept) {
  InstallAllocator();
  // Allocate in pieces, because only a share of the freed memory is kept.
  std::vector<at::Tensor> pieces;
  for (int i = 0; i < 16; ++i) {
    pieces.push_back(at::ones({kMany / 16}, at::kByte));
  }
  pieces.clear();
  const size_t kept = MemoryKept();
  ASSERT_GT(kept, size_t{64} << 20);
  [[maybe_unused]] const size_t before = ResidentBytes();
  CleanUpMemory();
  EXPECT_EQ(MemoryKept(), 0u);
#ifndef __SANITIZE_ADDRESS__  // It keeps freed memory for a while.
  EXPECT_LT(ResidentBytes() + kept / 2, before);
#endif
}

}  // namespace
}  // namespace sheaf::engine
