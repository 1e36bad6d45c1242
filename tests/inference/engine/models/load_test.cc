#include "inference/engine/models/load.h"

#include <gtest/gtest.h>

#include "inference/engine/models/vae.h"
#include "inference/engine/tensor/memory.h"
#include "tests/inference/engine/models/golden.h"

namespace sheaf::engine {
namespace {

// The file holds halves, so that each weight becomes a tensor of its own.
TEST(LoadTest, MemoryThatRunsOutWhileLoadingIsAStatus) {
  InstallAllocator();
  const std::string folder = GoldenPath("models/tiny-sd/vae");
  ResetMemoryPeak();
  const size_t before = MemoryInUse();
  ASSERT_TRUE(Vae::Load(folder, {}, {}).ok());
  const size_t needed = MemoryPeak() - before;
  for (const size_t part : {0, 5, 9}) {
    SetMemoryLimit(MemoryInUse() + needed * part / 10 + 1);
    const absl::Status status = Vae::Load(folder, {}, {}).status();
    SetMemoryLimit(0);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << part << ": " << status;
    EXPECT_EQ(MemoryInUse(), before) << part;
  }
}

}  // namespace
}  // namespace sheaf::engine
