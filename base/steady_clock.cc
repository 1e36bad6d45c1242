#include "base/steady_clock.h"

#include <algorithm>
#include <chrono>

namespace sheaf {
namespace {

// Far enough for anything, and near enough for the clock's arithmetic.
constexpr absl::Duration kLongest = absl::Hours(24 * 365);

// A mutex as the standard library's conditions want it.
struct Lockable {
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex->Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex->Unlock(); }

  absl::Mutex* mutex;
};

class RealSteadyClock : public SteadyClock {
 public:
  absl::Time Now() override {
    return absl::UnixEpoch() +
           absl::FromChrono(
               std::chrono::steady_clock::now().time_since_epoch());
  }

  void Wait(std::condition_variable_any* changed, absl::Mutex* mutex,
            absl::Time until) override {
    const absl::Duration left = until - Now();
    if (left <= absl::ZeroDuration()) return;
    Lockable lockable{mutex};
    // wait_for counts on the steady clock.
    changed->wait_for(lockable,
                      absl::ToChronoNanoseconds(std::min(left, kLongest)));
  }
};

}  // namespace

SteadyClock* SteadyClock::Real() {
  static RealSteadyClock* const clock = new RealSteadyClock;
  return clock;
}

}  // namespace sheaf
