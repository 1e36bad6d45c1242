#include "base/clock.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace sheaf {
namespace {

constexpr absl::Duration kStep = absl::Seconds(2);
constexpr double kSlew = 0.1;
// An hour set by hand, and a minute to do so: such steps do little harm.
constexpr absl::Duration kSmallStep = absl::Minutes(61);
constexpr absl::Duration kMustStand = absl::Minutes(10);

std::string Seconds(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

// Where the server's time begins.
absl::Time StartOf(absl::Time wall, absl::Time floor) {
  return floor > wall + kSmallStep ? wall : std::max(wall, floor);
}

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
      now_(StartOf(sources_.wall(), floor)),
      steady_(sources_.steady()),
      settled_at_(steady_) {
  if (floor != absl::InfinitePast() && now_ > floor + kSmallStep) {
    settled_at_ += kMustStand;
  }
}

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
  const absl::Duration left = wall - now_;
  if (left <= kSmallStep) {
    step_.reset();
  } else if (!step_ || absl::AbsDuration(left - step_->ahead) > kStep) {
    step_ = Step{.ahead = left, .since = steady_};
  }
  return left;
}

absl::Duration ServerClock::Adoptable() {
  const absl::Duration ahead = Advance();
  if (ahead <= kStep) return absl::ZeroDuration();
  const bool waits =
      step_ && !step_->accepted && steady_ - step_->since < kMustStand;
  return waits ? absl::ZeroDuration() : ahead;
}

absl::Time ServerClock::Now() {
  absl::MutexLock lock(&mutex_);
  Advance();
  return now_;
}

absl::Duration ServerClock::StepPending() {
  absl::MutexLock lock(&mutex_);
  return Adoptable();
}

absl::Duration ServerClock::AdoptStep() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration ahead = Adoptable();
  now_ += ahead;
  if (ahead > absl::ZeroDuration()) step_.reset();
  return ahead;
}

bool ServerClock::IsSettled() {
  absl::MutexLock lock(&mutex_);
  Advance();
  return steady_ >= settled_at_;
}

absl::Duration ServerClock::Accept() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration ahead = Advance();
  settled_at_ = steady_;
  if (step_) step_->accepted = true;
  return std::max(ahead, absl::ZeroDuration());
}

std::string ServerClock::Problem() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration ahead = Advance();
  if (step_) {
    return absl::StrCat(
        "the system clock went ahead by ", Seconds(step_->ahead),
        "; that counts for nothing yet: if it is right, sheaf admin clock "
        "accept, or wait until it has stood for ",
        Seconds(std::max(kMustStand - (steady_ - step_->since),
                         absl::ZeroDuration())),
        " more");
  }
  if (ahead >= -kStep) return "";
  return absl::StrCat(
      "the system clock stepped back by ", Seconds(-ahead),
      "; the server's time runs a tenth slower until it has caught up",
      ahead < -kSmallStep ? ", and begins at the system's when it is restarted"
                          : "");
}

std::string ServerClock::Note() {
  absl::MutexLock lock(&mutex_);
  Advance();
  if (steady_ >= settled_at_) return "";
  return absl::StrCat(
      "nothing had happened for more than an hour when the server started; in "
      "case the system clock is wrong, nothing is deleted, failed or resumed "
      "by time for ",
      Seconds(settled_at_ - steady_), " more (sheaf admin clock accept)");
}

}  // namespace sheaf
