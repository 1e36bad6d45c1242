// Named places at which a test may have the process die, as by kill -9.
//
// SHEAF_CRASH_POINT=name or name:3 in the environment kills the process when
// it reaches the place (the third time). Unarmed, a place costs one relaxed
// load, so the program that is tested is the one that is shipped.
#pragma once

#include <atomic>
#include <string_view>

namespace sheaf::crash_point {

extern std::atomic<bool> armed;

// Counts down where `name` is the armed one, and does not return at zero.
void Reached(std::string_view name);

}  // namespace sheaf::crash_point

#define SHEAF_CRASH_POINT(name)                                        \
  do {                                                                 \
    if (::sheaf::crash_point::armed.load(std::memory_order_relaxed)) { \
      ::sheaf::crash_point::Reached(name);                             \
    }                                                                  \
  } while (false)
