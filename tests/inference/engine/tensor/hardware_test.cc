#include "inference/engine/tensor/hardware.h"

#include "gtest/gtest.h"

namespace sheaf::engine {
namespace {

TEST(HardwareTest, TheProcessorGoesByItsModelName) {
  EXPECT_EQ(ProcessorNameIn("processor\t: 0\nmodel\t\t: 85\n"
                            "model name\t: Intel(R)  Xeon(R) CPU: 2.00GHz \n"
                            "model name\t: another\n"),
            "Intel(R) Xeon(R) CPU: 2.00GHz");
  EXPECT_EQ(ProcessorNameIn("CPU part\t: 0xd0c\n"), "");
  EXPECT_EQ(ProcessorNameIn(""), "");
}

TEST(HardwareTest, TheDriversVersionIsTheFirstInItsFirstLine) {
  EXPECT_EQ(DriverVersionIn("NVRM version: NVIDIA UNIX x86_64 Kernel Module  "
                            "550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
                            "GCC version:  gcc version 12.2.0\n"),
            "550.54.15");
  EXPECT_EQ(DriverVersionIn("nothing 12 here\n1.2"), "");
  EXPECT_EQ(DriverVersionIn(""), "");
}

}  // namespace
}  // namespace sheaf::engine
