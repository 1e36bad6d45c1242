#include "server/scheduling/batch_choice.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/batching/builders.h"

namespace sheaf::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

// A device on which eight rows cost little more than one.
std::vector<batching::Profile> Wide(const batching::ShapeTable& shapes) {
  batching::Profile profile;
  profile.name = "wide";
  profile.step = {100, 90, 1};
  profile.swap = 1000;
  return std::vector<batching::Profile>(shapes.works(), profile);
}

LeasedRun RunOf(int64_t job, absl::Time time) {
  LeasedRun run;
  run.run.id = RunId(JobId{job}, 0);
  run.run.lane = LaneId{1};
  run.run.run_time = time;
  run.params.steps = 10;
  return run;
}

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

class BatchChoiceTest : public ::testing::Test {
 protected:
  BatchChoiceTest() { facts_.size = 4; }

  LeasePolicy::Choice Choose(const Queue& queue, std::vector<Line> lines,
                             absl::Time now = kNow) {
    ChoiceFacts facts = facts_;
    facts.fits.resize(lines.size(), 100);
    facts.arrivals_per_second.resize(lines.size());
    facts.expected_by.resize(lines.size(), absl::InfiniteFuture());
    facts.loaded.resize(lines.size());
    return ChooseAmong(queue, std::move(lines), facts, Wide, now);
  }
  static std::vector<int64_t> JobsOf(const LeasePolicy::Choice& choice) {
    std::vector<int64_t> jobs;
    for (const LeasedRun& run : choice.runs) {
      jobs.push_back(run.run.id.job().value);
    }
    return jobs;
  }

  ChoiceFacts facts_;
};

TEST_F(BatchChoiceTest, AFullBatchGoesAtOnceWithItsRequestsAndItsPrice) {
  const auto choice = Choose(QueueOf(BatchPolicy::kAdaptive, 6), {LineOf(6)});
  EXPECT_THAT(JobsOf(choice), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(choice.runs[3].params.model, "m");
  const PricedRuns priced("inference", choice.runs, Wide);
  ASSERT_TRUE(priced.complete());
  EXPECT_EQ(choice.predicted_ms, priced.Of(4));
  EXPECT_GT(choice.predicted_ms, 0);
}

TEST_F(BatchChoiceTest, AdaptiveWaitsWhileFewAreQueuedAndNoLonger) {
  const Queue queue = QueueOf(BatchPolicy::kAdaptive, 2);
  const auto choice = Choose(queue, {LineOf(2)});
  EXPECT_THAT(choice.runs, IsEmpty());
  // Two runs of a threshold of ten: nine tenths of the longest wait.
  EXPECT_EQ(choice.wait_until, kNow + absl::Milliseconds(3500));
  EXPECT_THAT(Choose(queue, {LineOf(2)}, choice.wait_until).runs, SizeIs(2));
}

TEST_F(BatchChoiceTest, ADeviceAtWorkDoesNotWait) {
  facts_.at_work = true;
  EXPECT_THAT(Choose(QueueOf(BatchPolicy::kAdaptive, 2), {LineOf(2)}).runs,
              SizeIs(2));
}

TEST_F(BatchChoiceTest, EconomicWaitsForNobodyWhereNobodyComes) {
  Line line = LineOf(1);
  line.waiting[0].run.run_time = kNow - absl::Minutes(5);
  EXPECT_THAT(Choose(QueueOf(BatchPolicy::kEconomic, 1), {line}).runs,
              SizeIs(1));
}

TEST_F(BatchChoiceTest, EconomicWaitsWhereManyCome) {
  Line line = LineOf(1);
  line.waiting[0].run.run_time = kNow;
  facts_.arrivals_per_second = {20};
  const auto choice = Choose(QueueOf(BatchPolicy::kEconomic, 1), {line});
  EXPECT_THAT(choice.runs, IsEmpty());
  EXPECT_GT(choice.wait_until, kNow);
}

TEST_F(BatchChoiceTest, TheLoadedModelGoesOnForAWhile) {
  const Queue queue = QueueOf(BatchPolicy::kAdaptive, 8);
  // The other model's runs come first in line, but not for long.
  const std::vector<Line> lines = {LineOf(4, 50, "b"), LineOf(4, 60, "a")};
  facts_.loaded = {false, true};
  EXPECT_EQ(JobsOf(Choose(queue, lines))[0], 60);
  std::vector<Line> later = lines;
  for (LeasedRun& run : later[1].waiting) run.run.run_time = kNow;
  EXPECT_EQ(JobsOf(Choose(queue, later, kNow + absl::Minutes(2)))[0], 50);
}

TEST_F(BatchChoiceTest, NoMoreGoThanTheWorkerTakesOrFitItsDevice) {
  const Queue queue = QueueOf(BatchPolicy::kAdaptive, 6);
  facts_.size = 2;
  EXPECT_THAT(Choose(queue, {LineOf(6)}).runs, SizeIs(2));
  facts_.size = 4;
  facts_.fits = {3};
  EXPECT_THAT(Choose(queue, {LineOf(6)}).runs, SizeIs(3));
}

TEST_F(BatchChoiceTest, RunsThatNobodyCanPlanGoAsTheyCame) {
  Line line = LineOf(3);
  line.lane.kind = "upscale";
  const auto choice = Choose(QueueOf(BatchPolicy::kAdaptive, 3), {line});
  EXPECT_THAT(JobsOf(choice), ElementsAre(1));
  EXPECT_EQ(choice.predicted_ms, 0);
  EXPECT_FALSE(PricedRuns("upscale", line.waiting, Wide).complete());
}

// The price is for what goes now, whatever the runs waited for.
TEST_F(BatchChoiceTest, RunsArePricedAlsoWhereTheyWouldHaveToWait) {
  Line line = LineOf(2);
  const double ms = PricedRuns("inference", line.waiting, Wide).Of(2);
  line.waiting[0].run.alone = true;
  line.waiting[1].run.run_time = absl::InfiniteFuture();
  EXPECT_EQ(PricedRuns("inference", line.waiting, Wide).Of(2), ms);
}

}  // namespace
}  // namespace sheaf::server
