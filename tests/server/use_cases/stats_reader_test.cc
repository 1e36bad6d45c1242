#include "server/use_cases/stats_reader.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "server/config/device_profile.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

using ::testing::SizeIs;

class StatsReaderTest : public ::testing::Test {
 protected:
  StatsReaderTest() {
    Write(store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return Submit(tx, MakeJob({.owner = "ann", .runs = Runs(3)})).ok();
    });
    stats_.Start({}, {}, clock_.now());
    clock_.Advance(absl::Hours(1));
  }
  absl::StatusOr<StatsFacts> Get(const std::string& queue,
                                 absl::Duration window) {
    const StatsReader reader({.stats = &stats_,
                              .workers = &workers_,
                              .prices = &prices_,
                              .learned = &learned_,
                              .planner = &planner_,
                              .now = [this] { return clock_.now(); }});
    return Read(store_,
                [&](View& view) { return reader.Read(view, queue, window); });
  }

  TestClock clock_;
  MemoryStore store_{&clock_};
  StatsBoard stats_;
  WorkerRegistry workers_;
  PricesBoard prices_{UnmeasuredProfile()};
  MemoryBoard memory_;
  const LearnedFigures learned_{&prices_, &memory_, {}};
  const LeasePlanner planner_{{}, {}};
};

TEST_F(StatsReaderTest, TheStoreAndTheBoardsAreLookedAtAtOnce) {
  const auto facts = Get("", absl::Minutes(2));
  ASSERT_TRUE(facts.ok()) << facts.status();
  ASSERT_THAT(facts->queues, SizeIs(1));
  EXPECT_EQ(facts->queues[0].queued, 3);
  ASSERT_THAT(facts->owners, SizeIs(1));
  EXPECT_EQ(facts->owners[0].queued, 3);
  EXPECT_EQ(facts->now, clock_.now());
  EXPECT_EQ(facts->recalled.since, clock_.now() - absl::Minutes(2));
}

TEST_F(StatsReaderTest, TheWindowIsFiveMinutesUnlessAskedFor) {
  EXPECT_EQ(Get("default", absl::ZeroDuration())->recalled.since,
            clock_.now() - absl::Minutes(5));
}

TEST_F(StatsReaderTest, AQueueThatIsNotThereIsAnError) {
  EXPECT_EQ(ReasonOf(Get("no-such", absl::ZeroDuration()).status()),
            Reason::kQueueNotFound);
}

}  // namespace
}  // namespace sheaf::server
