// Names of devices, with made-up machines.
#include "inference/engine/tensor/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inference/engine/tensor/made_up_driver.h"

namespace sheaf::engine {
namespace {

const std::vector<std::string> kTwo = {"cuda:0", "cuda:1"};
const std::vector<std::string> kNone = {"cpu"};

TEST(DevicesTest, AutoIsTheBestThereIs) {
  EXPECT_EQ(ResolveDevice("auto", kTwo).value(), "cuda:0");
  EXPECT_EQ(ResolveDevice("auto", kNone).value(), "cpu");
}

TEST(DevicesTest, ANumberedAutoGoesRound) {
  EXPECT_EQ(ResolveDevice("auto:0", kTwo).value(), "cuda:0");
  EXPECT_EQ(ResolveDevice("auto:1", kTwo).value(), "cuda:1");
  EXPECT_EQ(ResolveDevice("auto:2", kTwo).value(), "cuda:0");
  EXPECT_EQ(ResolveDevice("auto:3", kNone).value(), "cpu");
}

TEST(DevicesTest, OtherNamesStayAsTheyAre) {
  EXPECT_EQ(ResolveDevice("cpu", kTwo).value(), "cpu");
  EXPECT_EQ(ResolveDevice("cuda:1", kNone).value(), "cuda:1");
}

TEST(DevicesTest, AnAutoOfNoNumberIsRefused) {
  for (const char* name : {"auto:", "auto:x", "auto:-1"}) {
    EXPECT_EQ(ResolveDevice(name, kTwo).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(DevicesTest, ThereIsAlwaysOne) {
  EXPECT_THAT(DevicesHere(), testing::Each(testing::AnyOf(
                                 "cpu", testing::StartsWith("cuda:"))));
  EXPECT_FALSE(DevicesHere().empty());
}

TEST(DevicesTest, OnlyCudaHasOrdinals) {
  EXPECT_EQ(CudaOrdinal("cuda"), 0);
  EXPECT_EQ(CudaOrdinal("cuda:12"), 12);
  for (const char* name : {"cpu", "cuda:", "cuda:-1", "cuda:128", "cuda1"}) {
    EXPECT_FALSE(CudaOrdinal(name)) << name;
  }
}

TEST(DevicesTest, ACardIsDescribedByItsOwnName) {
  const DeviceFacts facts = FactsOf("cuda:1", MadeUpDriver());
  EXPECT_EQ(facts.name, "cuda:1");
  EXPECT_EQ(facts.description, "Made-up card 1");
  EXPECT_THAT(facts.driver, testing::EndsWith("CUDA 13.1"));
  EXPECT_THAT(facts.build, testing::StartsWith("LibTorch "));
  EXPECT_THAT(facts.host, testing::HasSubstr(" threads"));
  EXPECT_EQ(facts.memory_bytes, size_t{141} << 30);
}

TEST(DevicesTest, ACardThatTheDriverDoesNotKnowHasNoMemory) {
  const DeviceFacts facts = FactsOf("cuda:1", CudaDriver());
  EXPECT_EQ(facts.description, "CUDA");
  EXPECT_EQ(facts.memory_bytes, 0u);
}

TEST(DevicesTest, ACpuHasTheMachinesMemory) {
  const DeviceFacts facts = FactsOf("cpu", MadeUpDriver());
  EXPECT_THAT(facts.description, testing::HasSubstr(" threads"));
  EXPECT_THAT(facts.build, testing::StartsWith("LibTorch "));
  EXPECT_EQ(facts.driver, "");
  EXPECT_EQ(facts.host, "");
  EXPECT_GT(facts.memory_bytes, size_t{64} << 20);
}

}  // namespace
}  // namespace sheaf::engine
