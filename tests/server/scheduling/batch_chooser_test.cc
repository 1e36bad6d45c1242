#include "server/scheduling/batch_chooser.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

// A device on which eight rows cost little more than one.
batching::Profile Wide() {
  batching::Profile profile;
  profile.name = "wide";
  profile.step = {100, 90, 1};
  profile.swap = 1000;
  return profile;
}

LeasedRun RunOf(int64_t job, absl::Time time) {
  LeasedRun run;
  run.run.id = RunId(JobId{job}, 0);
  run.run.lane = LaneId{1};
  run.run.run_time = time;
  run.params.steps = 10;
  return run;
}

bool NothingLoaded(WorkerId, const Lane&) { return false; }

// Jobs from, from + 1, ... that have waited a second.
Line LineOf(int count, int64_t from = 1, const std::string& model = "m") {
  Line line;
  line.lane.id = LaneId{from};
  line.lane.kind = "inference";
  line.lane.model = model;
  for (int i = 0; i < count; ++i) {
    line.waiting.push_back(RunOf(from + i, kNow - absl::Seconds(1)));
    line.waiting.back().params.model = model;
  }
  return line;
}

Queue QueueOf(BatchPolicy policy, int64_t queued) {
  Queue queue;
  queue.settings.policy = policy;
  queue.settings.batch_size = 4;
  queue.settings.wait_max = absl::Seconds(5);
  queue.queued = queued;
  return queue;
}

TEST(BatchChooserTest, AFullBatchGoesAtOnce) {
  const PricesBoard prices(Wide());
  const MemoryBoard memory;
  BatchChooser chooser(
      &prices, &memory, [] { return 1; }, NothingLoaded);
  const auto choice =
      chooser.Choose(QueueOf(BatchPolicy::kAdaptive, 6), {}, {LineOf(6)}, kNow);
  EXPECT_THAT(choice.runs, ElementsAre(RunId(JobId{1}, 0), RunId(JobId{2}, 0),
                                       RunId(JobId{3}, 0), RunId(JobId{4}, 0)));
}

TEST(BatchChooserTest, AdaptiveWaitsWhileFewAreQueuedAndNoLonger) {
  const PricesBoard prices(Wide());
  const MemoryBoard memory;
  BatchChooser chooser(
      &prices, &memory, [] { return 1; }, NothingLoaded);
  const Queue queue = QueueOf(BatchPolicy::kAdaptive, 2);
  const auto choice = chooser.Choose(queue, {}, {LineOf(2)}, kNow);
  EXPECT_THAT(choice.runs, IsEmpty());
  EXPECT_EQ(choice.wait_until, kNow + absl::Seconds(4));
  EXPECT_THAT(chooser.Choose(queue, {}, {LineOf(2)}, choice.wait_until).runs,
              SizeIs(2));
}

TEST(BatchChooserTest, EconomicWaitsForNobodyWhereNobodyComes) {
  const PricesBoard prices(Wide());
  const MemoryBoard memory;
  BatchChooser chooser(
      &prices, &memory, [] { return 1; }, NothingLoaded);
  Line line = LineOf(1);
  line.waiting[0].run.run_time = kNow - absl::Minutes(5);
  EXPECT_THAT(
      chooser.Choose(QueueOf(BatchPolicy::kEconomic, 1), {}, {line}, kNow).runs,
      SizeIs(1));
}

TEST(BatchChooserTest, EconomicWaitsWhereManyCome) {
  const PricesBoard prices(Wide());
  const MemoryBoard memory;
  BatchChooser chooser(
      &prices, &memory, [] { return 1; }, NothingLoaded);
  const Queue queue = QueueOf(BatchPolicy::kEconomic, 1);
  // Twenty runs came in the last second, one at a time.
  for (int i = 0; i < 20; ++i) {
    Line line = LineOf(1, 100);
    line.waiting[0] = RunOf(100 + i, kNow - absl::Milliseconds(1000 - 50 * i));
    (void)chooser.Choose(queue, {}, {line}, kNow);
  }
  Line line = LineOf(1, 100);
  line.waiting[0] = RunOf(120, kNow);
  EXPECT_GT(chooser.Choose(queue, {}, {line}, kNow).wait_until, kNow);
  EXPECT_THAT(chooser.Choose(queue, {}, {line}, kNow).runs, IsEmpty());
}

TEST(BatchChooserTest, TheLoadedModelGoesOnForAWhile) {
  const PricesBoard prices(Wide());
  const MemoryBoard memory;
  BatchChooser chooser(
      &prices, &memory, [] { return 1; },
      [](WorkerId worker, const Lane& lane) {
        return worker == WorkerId{7} && lane.model == "a";
      });
  const Queue queue = QueueOf(BatchPolicy::kAdaptive, 8);
  const Lessee who = {.id = WorkerId{7}};
  // The other model's runs come first in line, but not for long.
  const std::vector<Line> lines = {LineOf(4, 50, "b"), LineOf(4, 60, "a")};
  EXPECT_EQ(chooser.Choose(queue, who, lines, kNow).runs[0],
            RunId(JobId{60}, 0));
  std::vector<Line> later = lines;
  for (LeasedRun& run : later[1].waiting) run.run.run_time = kNow;
  const absl::Time end = kNow + absl::Minutes(2);
  EXPECT_EQ(chooser.Choose(queue, who, later, end).runs[0],
            RunId(JobId{50}, 0));
}

TEST(BatchChooserTest, AWorkerGetsNoMoreThanItTakes) {
  const PricesBoard prices(Wide());
  const MemoryBoard memory;
  BatchChooser chooser(
      &prices, &memory, [] { return 1; }, NothingLoaded);
  EXPECT_THAT(chooser
                  .Choose(QueueOf(BatchPolicy::kAdaptive, 6),
                          {.batch_size_max = 2}, {LineOf(6)}, kNow)
                  .runs,
              SizeIs(2));
}

TEST(BatchChooserTest, NoMoreGoThanFitTheDevice) {
  const Lessee who = {.device = "gpu", .device_bytes = 1000};
  const PricesBoard prices(Wide());
  MemoryBoard memory;
  batching::BatchMemory held;
  held.rows = 1;
  held.peak_bytes = 400;
  memory.Learn({"gpu", "m", 0, 0}, 1000, held);
  BatchChooser chooser(
      &prices, &memory, [] { return 1; }, NothingLoaded);
  EXPECT_THAT(
      chooser.Choose(QueueOf(BatchPolicy::kAdaptive, 6), who, {LineOf(6)}, kNow)
          .runs,
      SizeIs(2));
}

}  // namespace
}  // namespace sheaf::server
