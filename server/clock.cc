#include "server/clock.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace sheaf::server {
namespace {

constexpr absl::Duration kStep = absl::Seconds(2);
constexpr double kSlew = 0.1;

}  // namespace

ClockSources SystemClockSources() {
  return {.wall = [] { return absl::Now(); },
          .steady =
              [] {
                return absl::FromChrono(
                    std::chrono::steady_clock::now().time_since_epoch());
              }};
}

ServerClock::ServerClock(absl::Time floor, ClockSources sources)
    : sources_(std::move(sources)),
      now_(std::max(sources_.wall(), floor)),
      steady_(sources_.steady()) {}

absl::Duration ServerClock::Advance() {
  const absl::Duration steady = sources_.steady();
  const absl::Time wall = sources_.wall();
  const absl::Duration elapsed =
      std::max(steady - steady_, absl::ZeroDuration());
  steady_ = std::max(steady, steady_);
  const absl::Duration ahead = wall - (now_ + elapsed);
  const absl::Duration slew =
      ahead > kStep ? absl::ZeroDuration()
                    : std::clamp(ahead, -elapsed * kSlew, elapsed * kSlew);
  now_ += elapsed + slew;
  return wall - now_;
}

absl::Time ServerClock::Now() {
  absl::MutexLock lock(&mutex_);
  Advance();
  return now_;
}

absl::Duration ServerClock::StepPending() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration ahead = Advance();
  return ahead > kStep ? ahead : absl::ZeroDuration();
}

absl::Duration ServerClock::AdoptStep() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration ahead = Advance();
  if (ahead <= kStep) return absl::ZeroDuration();
  now_ += ahead;
  return ahead;
}

std::string ServerClock::Problem() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration ahead = Advance();
  if (ahead >= -kStep) return "";
  return absl::StrCat(
      "the system clock stepped back by ",
      absl::FormatDuration(absl::Trunc(-ahead, absl::Seconds(1))),
      "; the server's time runs a tenth slower until it has caught up");
}

}  // namespace sheaf::server
