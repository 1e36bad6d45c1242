// Cards as a made-up driver tells of them.
#include "inference/engine/tensor/cuda_driver.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/inference/engine/tensor/made_up_driver.h"

namespace sheaf::engine {
namespace {

TEST(CudaDriverTest, ACardIsWhatTheDriverSaysOfItsNumber) {
  const auto card = CardNumber(1, MadeUpDriver());
  ASSERT_TRUE(card);
  EXPECT_EQ(card->name, "Made-up card 1");
  EXPECT_EQ(card->memory_bytes, size_t{141} << 30);
  EXPECT_EQ(card->cuda_version, 13010);
}

TEST(CudaDriverTest, ACardThatIsNotThereIsNone) {
  EXPECT_FALSE(CardNumber(2, MadeUpDriver()));
  EXPECT_FALSE(CardNumber(-1, MadeUpDriver()));
}

TEST(CudaDriverTest, ADriverThatIsNotThereOrFailsHasNoCards) {
  EXPECT_FALSE(CardNumber(0, CudaDriver()));
  CudaDriver old = MadeUpDriver();
  old.memory = nullptr;
  EXPECT_FALSE(CardNumber(0, old));
  CudaDriver broken = MadeUpDriver();
  broken.init = [](unsigned) { return 999; };
  EXPECT_FALSE(CardNumber(0, broken));
}

TEST(CudaDriverTest, ANameThatFillsItsRoomEnds) {
  CudaDriver wordy = MadeUpDriver();
  wordy.name = [](char* name, int size, int) {
    std::memset(name, 'x', static_cast<size_t>(size));
    return 0;
  };
  EXPECT_EQ(CardNumber(0, wordy)->name, std::string(255, 'x'));
}

}  // namespace
}  // namespace sheaf::engine
