// Names of devices, with made-up machines.
#include "inference/engine/tensor/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sheaf::engine
