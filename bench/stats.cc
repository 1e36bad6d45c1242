#include "bench/stats.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/status.h"

namespace sheaf::bench {
namespace {

volatile std::sig_atomic_t interrupted = 0;

bool Steady(const Contender& contender, double spread) {
  std::vector<double> rates = contender.rates;
  std::sort(rates.begin(), rates.end());
  return Percentile(rates, 0.75) - Percentile(rates, 0.25) <=
         spread * Percentile(rates, 0.5);
}

// On a machine that is busy with other things a disk may stall for longer than
// a window: that is no measurement, and it is made again.
constexpr int kEmptyWindowsMax = 5;

absl::StatusOr<Window> MeasureWindow(Contender* contender) {
  absl::StatusOr<Window> window = contender->measure();
  for (int i = 0; i < kEmptyWindowsMax; ++i) {
    if (!window.ok() || window->failures > 0 || window->rate > 0) break;
    window = contender->measure();
  }
  return window;
}

absl::Status MeasureOnce(Contender* contender) {
  auto window = MeasureWindow(contender);
  if (!window.ok()) {
    return absl::Status(
        window.status().code(),
        absl::StrCat(contender->name, ": ", window.status().message()));
  }
  if (window->failures > 0 || window->rate <= 0) {
    return absl::UnknownError(
        absl::StrCat(contender->name, ": ", window->failures,
                     " operations failed in a window ", TakeBlame()));
  }
  contender->rates.push_back(window->rate);
  contender->p50.push_back(Percentile(window->latencies, 0.5));
  contender->p99.push_back(Percentile(window->latencies, 0.99));
  contender->p999.push_back(Percentile(window->latencies, 0.999));
  return absl::OkStatus();
}

struct FirstReason {
  absl::Mutex mutex;
  std::string text ABSL_GUARDED_BY(mutex);
};

FirstReason& Reason() {
  static auto* const reason = new FirstReason;
  return *reason;
}

}  // namespace

void Blame(const std::string& reason) {
  absl::MutexLock lock(&Reason().mutex);
  if (Reason().text.empty()) Reason().text = reason;
}

std::string TakeBlame() {
  absl::MutexLock lock(&Reason().mutex);
  return std::exchange(Reason().text, "");
}

double Percentile(const std::vector<double>& latencies, double fraction) {
  if (latencies.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double rank = std::ceil(fraction * latencies.size());
  const size_t index = rank < 1 ? 0 : static_cast<size_t>(rank) - 1;
  return latencies[std::min(index, latencies.size() - 1)];
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return Percentile(values, 0.5);
}

absl::Status RunRounds(const std::vector<Contender*>& contenders,
                       const RoundOptions& options) {
  const absl::Time end = absl::Now() + options.budget;
  for (int round = 0; round < options.rounds_max; ++round) {
    const bool enough =
        round >= options.rounds_min &&
        std::all_of(contenders.begin(), contenders.end(),
                    [&](Contender* c) { return Steady(*c, options.spread); });
    if (enough || (round > 0 && absl::Now() > end)) break;
    for (Contender* contender : contenders) {
      if (Interrupted()) return absl::CancelledError("interrupted");
      SHEAF_RETURN_IF_ERROR(MeasureOnce(contender));
    }
  }
  return absl::OkStatus();
}

double PairedRatio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    ratios.push_back(a[i] / b[i]);
  }
  return Median(std::move(ratios));
}

bool Interrupted() { return interrupted != 0; }

void WatchForInterrupt() {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
}

}  // namespace sheaf::bench
