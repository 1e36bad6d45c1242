// The seed of a random test: SHEAF_SEED, or a new one if unset; printed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace sheaf {

inline uint32_t TestSeed() {
  const char* text = std::getenv("SHEAF_SEED");
  const uint32_t seed =
      text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10))
                      : std::random_device()();
  std::printf("SHEAF_SEED=%u\n", seed);
  return seed;
}

}  // namespace sheaf
