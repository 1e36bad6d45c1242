#include "bench/load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"

namespace sheaf::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Sample {
  Clock::time_point end;
  double latency;
};

// The samples of one slot. Only one thread at a time touches it: the one on
// which its operation ends.
struct Slot {
  Operation* operation = nullptr;
  std::vector<Sample> samples;
  int64_t failures = 0;
};

void Note(Slot* slot, Clock::time_point due, bool ok) {
  const auto now = Clock::now();
  if (!ok) ++slot->failures;
  slot->samples.push_back({now, Seconds(now - due).count()});
}

std::vector<Slot> SlotsFor(const Operations& operations) {
  std::vector<Slot> slots(operations.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    slots[i].operation = operations[i].get();
    slots[i].samples.reserve(256);
  }
  return slots;
}

// The samples that ended within the window, and all failures.
Window Collect(const std::vector<Slot>& slots, Clock::time_point begin,
               Clock::time_point end) {
  Window window;
  for (const Slot& slot : slots) {
    window.failures += slot.failures;
    for (const Sample& sample : slot.samples) {
      if (sample.end < begin || sample.end >= end) continue;
      window.latencies.push_back(sample.latency);
    }
  }
  std::sort(window.latencies.begin(), window.latencies.end());
  window.rate = window.latencies.size() / Seconds(end - begin).count();
  return window;
}

std::chrono::nanoseconds ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

class Closed {
 public:
  explicit Closed(const Operations& operations)
      : slots_(SlotsFor(operations)), idle_(slots_.size()) {}

  Window Run(const LoadOptions& options) {
    for (Slot& slot : slots_) Next(&slot);
    std::this_thread::sleep_for(ToChrono(options.warm_up));
    const auto begin = Clock::now();
    std::this_thread::sleep_for(ToChrono(options.window));
    const auto end = Clock::now();
    stop_ = true;
    idle_.Wait();
    return Collect(slots_, begin, end);
  }

  Window RunCount(int64_t count) {
    left_ = count;
    const auto begin = Clock::now();
    for (Slot& slot : slots_) Next(&slot);
    idle_.Wait();
    return Collect(slots_, begin, Clock::now());
  }

 private:
  void Next(Slot* slot) {
    // A slot that fails stops: a refused load is not to become a storm.
    if (stop_ || slot->failures > 0 || --left_ < 0) {
      idle_.DecrementCount();
      return;
    }
    const auto start = Clock::now();
    slot->operation->Start([this, slot, start](bool ok) {
      Note(slot, start, ok);
      Next(slot);
    });
  }

  std::vector<Slot> slots_;
  absl::BlockingCounter idle_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> left_ = INT64_MAX / 2;
};

class Open {
 public:
  Open(const Operations& operations, double rate)
      : slots_(SlotsFor(operations)), interval_(1 / rate) {
    for (Slot& slot : slots_) idle_.push_back(&slot);
  }

  Window Run(const LoadOptions& options) {
    begin_ = Clock::now();
    const auto first = begin_ + ToChrono(options.warm_up);
    const auto end = first + ToChrono(options.window);
    while (Clock::now() < end) {
      std::this_thread::sleep_until(DueTime(StartDue()));
    }
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    mutex_.Await(absl::Condition(
        +[](Open* open) ABSL_EXCLUSIVE_LOCKS_REQUIRED(open->mutex_) {
          return open->idle_.size() == open->slots_.size();
        },
        this));
    return Collect(slots_, first, end);
  }

 private:
  Clock::time_point DueTime(int64_t index) const {
    return begin_ + std::chrono::duration_cast<Clock::duration>(
                        Seconds(interval_ * index));
  }

  // Starts the operations that are due, as far as slots are idle. Returns the
  // index of the next operation that is not due yet.
  int64_t StartDue() {
    while (true) {
      const int64_t due = Seconds(Clock::now() - begin_).count() / interval_;
      Slot* slot = nullptr;
      int64_t index;
      {
        absl::MutexLock lock(&mutex_);
        if (started_ > due || idle_.empty()) return due + 1;
        slot = idle_.back();
        idle_.pop_back();
        index = started_++;
      }
      Begin(slot, index);
    }
  }

  void Begin(Slot* slot, int64_t index) {
    slot->operation->Start([this, slot, due = DueTime(index)](bool ok) {
      Note(slot, due, ok);
      Ended(slot);
    });
  }

  // Starts at once an operation that fell due while all slots were busy.
  void Ended(Slot* slot) {
    int64_t index;
    {
      absl::MutexLock lock(&mutex_);
      if (stopped_ || DueTime(started_) > Clock::now()) {
        idle_.push_back(slot);
        return;
      }
      index = started_++;
    }
    Begin(slot, index);
  }

  std::vector<Slot> slots_;
  const double interval_;
  Clock::time_point begin_;
  absl::Mutex mutex_;
  std::vector<Slot*> idle_ ABSL_GUARDED_BY(mutex_);
  int64_t started_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

Window ClosedLoop(const Operations& operations, const LoadOptions& options) {
  return Closed(operations).Run(options);
}

Window OpenLoop(const Operations& operations, double rate,
                const LoadOptions& options) {
  return Open(operations, rate).Run(options);
}

Window CountedLoop(const Operations& operations, int64_t count) {
  return Closed(operations).RunCount(count);
}

}  // namespace sheaf::bench
