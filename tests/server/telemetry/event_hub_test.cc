#include "server/telemetry/event_hub.h"

#include <thread>

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

// Keeps questions until it is told to answer them.
class HeldStore final : public Store {
 public:
  std::function<void()> on_read;
  std::vector<CallOptions> asked;
  std::vector<Done> waiting;

  void AnswerAll(const absl::Status& status) {
    std::vector<Done> due = std::move(waiting);
    waiting.clear();
    for (Done& done : due) done(status);
  }

 private:
  void StartWrite(WriteCase, Done, CallOptions) override {}
  void StartRead(ReadCase, Done done, CallOptions options) override {
    asked.push_back(std::move(options));
    waiting.push_back(std::move(done));
    if (on_read) on_read();
  }
};

TEST(EventHubTest, ItsOwnReadsAreNeverRefused) {
  HeldStore store;
  EventHub hub(&store);
  hub.Start(0);
  hub.Subscribe([] {}, nullptr);
  hub.Committed(1);
  ASSERT_EQ(store.asked.size(), 1u);
  EXPECT_TRUE(store.asked[0].own);
  store.AnswerAll(absl::UnavailableError("the store is closed"));
}

// The store may take its time to accept a question; watchers that come or go
// must not wait for that.
TEST(EventHubTest, NoLockOfWatchersIsHeldWhileTheStoreIsAsked) {
  HeldStore store;
  EventHub hub(&store);
  hub.Start(0);
  const int64_t first = hub.Subscribe([] {}, nullptr);
  int64_t second = 0;
  store.on_read = [&] {
    std::thread other([&] {
      second = hub.Subscribe([] {}, nullptr);
      hub.Unsubscribe(first);
    });
    other.join();
  };
  hub.Committed(1);
  EXPECT_NE(second, 0);
  store.on_read = nullptr;
  store.AnswerAll(absl::OkStatus());
}

TEST(EventHubTest, WhoIsNudgedMayAskTheStore) {
  HeldStore store;
  EventHub hub(&store);
  hub.Start(0);
  absl::Mutex mutex;
  int answered = 0;
  hub.Subscribe(
      [&] {
        absl::MutexLock lock(&mutex);
        store.Read([](View&) { return absl::OkStatus(); },
                   [&](const absl::Status&) {
                     absl::MutexLock inner(&mutex);
                     ++answered;
                   });
      },
      nullptr);
  hub.Committed(1);
  store.AnswerAll(absl::OkStatus());  // the hub's own
  store.AnswerAll(absl::OkStatus());  // the watcher's
  EXPECT_EQ(answered, 1);
}

TEST(EventHubTest, WithoutWatchersNothingIsRead) {
  HeldStore store;
  EventHub hub(&store);
  hub.Start(0);
  hub.Committed(7);
  EXPECT_TRUE(store.asked.empty());
  EXPECT_EQ(hub.last_sequence(), 7);
}

}  // namespace
}  // namespace sheaf::server
