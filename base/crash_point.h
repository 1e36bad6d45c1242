// Named places at which a test may have the process die, as by kill -9.
//
// SHEAF_CRASH_POINT=name or name:3 in the environment kills the process when it
// reaches the place (the third time). SHEAF_STALL_POINT, of the same form,
// blocks for ever each thread that reaches the place from then on. Unarmed, a
// place costs one relaxed load, so the program that is tested is the one that
// is shipped.
#pragma once

#include <atomic>
#include <string_view>
#include <thread>

namespace sheaf::crash_point {

extern std::atomic<bool> armed;

// Counts down where `name` is the armed one, and does not return at zero.
void Reached(std::string_view name);

// For a place inside a call that is not ours, such as a checkpoint: where
// `name` is the armed one, the process dies a moment after this object was
// made, or at the object's end.
class During {
 public:
  explicit During(std::string_view name);
  ~During();
  During(const During&) = delete;
  During& operator=(const During&) = delete;

 private:
  std::thread killer_;
};

}  // namespace sheaf::crash_point

#define SHEAF_CRASH_POINT(name)                                        \
  do {                                                                 \
    if (::sheaf::crash_point::armed.load(std::memory_order_relaxed)) { \
      ::sheaf::crash_point::Reached(name);                             \
    }                                                                  \
  } while (false)

// A place for stalls alone: nothing is written there.
#define SHEAF_STALL_POINT(name) SHEAF_CRASH_POINT(name)
