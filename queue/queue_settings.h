// The settings of a queue, as one table, and a change of some of them.
//
// Update masks, conversion, storage, the flags and columns of `sheaf queue` and
// docs/fields.md iterate it. To add a setting, write its line in
// sheaf.v1.QueueSettings (the rules beside it say which values are good), its
// member in QueueSettings, its row here, and its column in a migration and in
// queue/sqlite/statements.h; the compiler or a test names whichever is missing.
//
// Constant data; any thread.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "absl/time/time.h"
#include "queue/types.h"

namespace sheaf {

// How the wire writes a setting.
enum class OnWire {
  kPlain,  // as it is; absent, or 0 where absence cannot be told: the default
  kLimit,  // a duration for which zero means without end
  kBound,  // a duration that is without end where it is absent
  kUpToHour,  // a duration that is cut to an hour
};

template <class T>
struct QueueSetting {
  std::string_view name;  // in sheaf.v1.QueueSettings; the column of `queues`
  T QueueSettings::*member;
  std::string_view flag;   // of `sheaf queue create` and `sheaf queue set`
  std::string_view value;  // of the flag, as help shows it
  std::string_view help;
  OnWire on_wire = OnWire::kPlain;
};
template <class T>
QueueSetting(std::string_view, T QueueSettings::*, std::string_view,
             std::string_view, std::string_view) -> QueueSetting<T>;
template <class T>
QueueSetting(std::string_view, T QueueSettings::*, std::string_view,
             std::string_view, std::string_view, OnWire) -> QueueSetting<T>;

// In the order of their columns.
inline constexpr std::tuple kQueueSettings{
    QueueSetting{"batch_size", &QueueSettings::batch_size, "--batch-size",
                 "NUMBER", "Most runs in one batch"},
    QueueSetting{"attempts_max", &QueueSettings::attempts_max, "--attempts",
                 "NUMBER", "Most attempts for each run"},
    QueueSetting{"runs_max", &QueueSettings::runs_max, "--runs-max", "NUMBER",
                 "Most unfinished runs; 0: no limit"},
    QueueSetting{"keep_succeeded", &QueueSettings::keep_succeeded,
                 "--keep-succeeded", "DURATION",
                 "How long to keep jobs that succeeded, or forever",
                 OnWire::kLimit},
    QueueSetting{"keep_failed", &QueueSettings::keep_failed, "--keep-failed",
                 "DURATION", "How long to keep jobs that failed, or forever",
                 OnWire::kLimit},
    QueueSetting{"keep_cancelled", &QueueSettings::keep_cancelled,
                 "--keep-cancelled", "DURATION",
                 "How long to keep jobs that were cancelled, or forever",
                 OnWire::kLimit},
    QueueSetting{"policy", &QueueSettings::policy, "--policy",
                 "off|adaptive|economic|auto",
                 "How to batch runs that are in no plan"},
    QueueSetting{"batch_min", &QueueSettings::batch_min, "--batch-min",
                 "NUMBER",
                 "A batch of fewer runs waits as long as it may (adaptive)"},
    QueueSetting{"wait_max", &QueueSettings::wait_max, "--wait-max", "DURATION",
                 "Longest time that a run waits for company (adaptive, "
                 "economic)",
                 OnWire::kUpToHour},
    QueueSetting{"threshold", &QueueSettings::threshold, "--threshold",
                 "NUMBER",
                 "Number of waiting runs at which waits are half as long "
                 "(adaptive) or plans are made (auto)"},
    QueueSetting{"gain_min_percent", &QueueSettings::gain_min_percent,
                 "--gain-min", "PERCENT",
                 "Execute no plan that gains less (auto)"},
    QueueSetting{"twins", &QueueSettings::twins, "--twins", "on|off",
                 "Let runs that ask for the very same picture share it [off]"},
    QueueSetting{"preempt_from", &QueueSettings::preempt_from, "--preempt-from",
                 "low|normal|high|urgent|never",
                 "Waiting runs from this priority on take the place of lower "
                 "ones if no worker is free [never]"},
    QueueSetting{"run_duration_max", &QueueSettings::run_duration_max,
                 "--run-duration-max", "DURATION",
                 "Longest time that an attempt of a run may take; 0s: no limit "
                 "[0s]",
                 OnWire::kLimit},
    QueueSetting{"wait_min", &QueueSettings::wait_min, "--wait-min", "DURATION",
                 "Shortest time that a batch that is not full waits for "
                 "company (adaptive)",
                 OnWire::kUpToHour},
    QueueSetting{"harm_max", &QueueSettings::harm_max, "--harm-max",
                 "DURATION|any",
                 "Make no plan by which a run ends later by more than this "
                 "[any]",
                 OnWire::kBound},
    QueueSetting{"waiting_percent", &QueueSettings::waiting_percent,
                 "--waiting", "PERCENT",
                 "The worth of a run's waiting in plans, in hundredths of "
                 "device time [0]"},
    QueueSetting{"knee_percent", &QueueSettings::knee_percent, "--knee",
                 "PERCENT",
                 "End planned batches where a run costs within this of the "
                 "least; 0: by predicted times alone [0]"},
    QueueSetting{"across_priorities", &QueueSettings::across_priorities,
                 "--across-priorities", "on|off",
                 "Let runs of a lower priority fill planned batches of a "
                 "higher one [off]"},
};
inline constexpr size_t kQueueSettingCount =
    std::tuple_size_v<decltype(kQueueSettings)>;

// Calls f(setting) for every row, in order.
template <class F>
constexpr void ForEachQueueSetting(F f) {
  std::apply([&](const auto&... setting) { (f(setting), ...); },
             kQueueSettings);
}

// New values for some settings.
class QueuePatch {
 public:
  template <class T>
  void Set(T QueueSettings::*member, const std::type_identity_t<T>& value) {
    values_.*member = value;
    size_t place = 0;
    ForEachQueueSetting([&](const auto& setting) {
      if constexpr (std::is_same_v<decltype(setting.member),
                                   T QueueSettings::*>) {
        if (setting.member == member) set_.set(place);
      }
      ++place;
    });
  }

  void ApplyTo(QueueSettings* settings) const {
    size_t place = 0;
    ForEachQueueSetting([&](const auto& setting) {
      if (set_[place++]) settings->*setting.member = values_.*setting.member;
    });
  }

 private:
  QueueSettings values_;
  std::bitset<kQueueSettingCount> set_;
};

}  // namespace sheaf
