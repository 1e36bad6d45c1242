#include "queue/store.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sheaf {
namespace {

template <class Start>
absl::Status Await(Start start) {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  absl::Status result;
  start([&](absl::Status status) {
    // Notified under the lock: once we are gone, so is the condition.
    const std::lock_guard lock(mutex);
    result = std::move(status);
    ended = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return ended; });
  return result;
}

}  // namespace

std::vector<LaneHead> LaneReads::LaneHeads() {
  std::vector<LaneHead> heads;
  ForEachLane([&](const Lane& lane, const Run& run) {
    heads.push_back({lane, run});
    return true;
  });
  return heads;
}

std::vector<Event> EventReads::EventPage(int64_t after, int limit) {
  constexpr int kAtOnce = 64;
  std::vector<Event> page;
  int64_t bytes = 0;
  while (static_cast<int>(page.size()) < limit && bytes < kEventPageBytes) {
    const int wanted = std::min(kAtOnce, limit - static_cast<int>(page.size()));
    std::vector<Event> some = Events(after, wanted);
    const bool last = static_cast<int>(some.size()) < wanted;
    for (Event& event : some) {
      if (bytes >= kEventPageBytes) return page;
      after = event.sequence;
      bytes += BytesOf(event);
      page.push_back(std::move(event));
    }
    if (last) break;
  }
  return page;
}

absl::Status WriteAndWait(Store& store, Store::WriteCase use_case,
                          CallOptions options) {
  return Await([&](Store::Done done) {
    store.Write(std::move(use_case), std::move(done), std::move(options));
  });
}

absl::Status ReadAndWait(Store& store, Store::ReadCase use_case,
                         CallOptions options) {
  return Await([&](Store::Done done) {
    store.Read(std::move(use_case), std::move(done), std::move(options));
  });
}

}  // namespace sheaf
