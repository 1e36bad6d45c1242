#include "server/wire/convert_stats.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

namespace pb = ::sheaf::v1;

class ConvertStatsTest : public testing::Test {
 protected:
  ConvertStatsTest() {
    parts_.now = absl::FromUnixSeconds(1'800'000'000);
    parts_.recalled.since = parts_.now - absl::Seconds(100);
    AddQueue("default", 4, 10);
    AddQueue("night", 8, 5);
  }

  void AddQueue(const std::string& name, int batch_size, int64_t queued) {
    Queue& queue = parts_.queues.emplace_back();
    queue.name = name;
    queue.settings.batch_size = batch_size;
    queue.queued = queued;
  }
  void AddWorker(int64_t id, const std::string& device, int64_t busy,
                 absl::Duration here = absl::Hours(1)) {
    WorkerInfo& worker = parts_.workers.emplace_back();
    worker.lessee.id = WorkerId{id};
    worker.register_time = parts_.now - here;
    worker.devices = {{device, "a card", 0}};
    WorkerFigures figures{.batches = 2, .batched_runs = 6, .succeeded = 5};
    figures.busy = busy;
    parts_.recalled.figures.workers[WorkerId{id}] = figures;
  }
  QueueFigures Batched(int64_t batches, int64_t runs) {
    QueueFigures figures;
    figures.batches = batches;
    figures.batched_runs = runs;
    return figures;
  }
  pb::Stats Convert(const std::string& queue = "") {
    pb::Stats stats;
    ToProto(parts_, queue, &stats);
    return stats;
  }

  StatsParts parts_;
};

TEST_F(ConvertStatsTest, FillIsTheRunsOverTheRoomInTheirBatches) {
  auto& figures = parts_.recalled.figures;
  figures.queues["default"] = Batched(3, 9);
  figures.queues["night"] = Batched(1, 2);
  figures.total = Batched(4, 11);
  const pb::Stats stats = Convert();
  ASSERT_EQ(stats.queues_size(), 2);
  EXPECT_DOUBLE_EQ(stats.queues(0).window().batch_size_average(), 3);
  EXPECT_DOUBLE_EQ(stats.queues(0).window().batch_fill(), 0.75);
  EXPECT_DOUBLE_EQ(stats.queues(1).window().batch_fill(), 0.25);
  EXPECT_DOUBLE_EQ(stats.total().window().batch_fill(), 11.0 / 20);
  EXPECT_EQ(stats.total().queued_run_count(), 15);
  EXPECT_EQ(stats.window().seconds(), 100);
}

TEST_F(ConvertStatsTest, CancelledRunsAreNoThroughput) {
  parts_.recalled.figures.total.ended = {0, 0, 150, 50, 1000};
  EXPECT_DOUBLE_EQ(Convert().total().window().runs_per_second(), 2);
}

TEST_F(ConvertStatsTest, TimesAreAbsentWhereThereWereNone) {
  const pb::Stats stats = Convert();
  EXPECT_FALSE(stats.total().window().wait().has_p50());
  EXPECT_FALSE(stats.total().window().wait().has_mean());
  EXPECT_EQ(stats.total().window().batch_size_average(), 0);
  EXPECT_FALSE(stats.total().has_queued_run_count_max_time());
}

TEST_F(ConvertStatsTest, AMeanStandsBesideThePercentiles) {
  parts_.recalled.figures.total.wait = {
      .count = 4, .mean = 2500, .p50 = 100, .p95 = 9700, .max = 9700};
  const pb::TimeStats wait = Convert().total().window().wait();
  EXPECT_EQ(wait.mean().seconds(), 2);
  EXPECT_EQ(wait.mean().nanos(), 500'000'000);
  EXPECT_EQ(wait.p50().nanos(), 100'000'000);
}

TEST_F(ConvertStatsTest, TheWorkSinceTheStartIsToldOfAll) {
  AddWorker(1, "cuda:0", 0);
  AddWorker(2, "cpu", 0);
  const auto totals = [](int64_t batches) {
    return WorkTotals{.batches = batches,
                      .batched_runs = 3 * batches,
                      .wait = {.count = 2, .sum = 4500},
                      .generation = {.count = 1, .sum = 60'000}};
  };
  StatsBoard::Recalled& recalled = parts_.recalled;
  recalled.total.work = totals(9);
  recalled.queues["night"].work = totals(2);
  recalled.workers[WorkerId{1}] = totals(3);
  recalled.devices[IdentityOf(parts_.workers[0].devices[0])] = totals(7);
  const pb::Stats stats = Convert();
  const pb::WorkTotals& all = stats.total().since_start();
  EXPECT_EQ(all.batch_count(), 9);
  EXPECT_EQ(all.batched_run_count(), 27);
  EXPECT_EQ(all.wait().count(), 2);
  EXPECT_EQ(all.wait().sum().seconds(), 4);
  EXPECT_EQ(all.wait().sum().nanos(), 500'000'000);
  EXPECT_EQ(all.generation().count(), 1);
  EXPECT_EQ(all.generation().sum().seconds(), 60);
  EXPECT_EQ(stats.queues(1).since_start().batch_count(), 2);
  EXPECT_EQ(stats.workers(0).work().since_start().batch_count(), 3);
  EXPECT_EQ(stats.workers(1).work().since_start().batch_count(), 0);
  EXPECT_EQ(stats.devices(1).name(), "cuda:0");
  EXPECT_EQ(stats.devices(1).work().since_start().batch_count(), 7);
  EXPECT_EQ(Convert("night").total().since_start().batch_count(), 2);
}

TEST_F(ConvertStatsTest, OfOneQueueTheTotalIsThatQueue) {
  parts_.recalled.figures.queues["night"] = Batched(1, 2);
  parts_.recalled.queues["night"].depth_max = 33;
  const pb::Stats stats = Convert("night");
  ASSERT_EQ(stats.queues_size(), 1);
  EXPECT_EQ(stats.queues(0).name(), "queues/night");
  EXPECT_EQ(stats.total().name(), "");
  EXPECT_EQ(stats.total().queued_run_count(), 5);
  EXPECT_EQ(stats.total().queued_run_count_max(), 33);
  EXPECT_EQ(stats.total().window().batch_count(), 1);
}

TEST_F(ConvertStatsTest, BusyIsAShareOfTheTimeThatTheWorkerWasHere) {
  AddWorker(1, "cuda:0", 50'000);
  AddWorker(2, "cuda:1", 20'000, absl::Seconds(25));
  AddWorker(3, "cpu", 0);
  Batch batch;
  batch.id = BatchId{9};
  batch.worker = WorkerId{1};
  batch.runs = {RunId(JobId{1}, 0), RunId(JobId{1}, 1)};
  parts_.batches = {batch};
  const pb::Stats stats = Convert();
  ASSERT_EQ(stats.workers_size(), 3);
  EXPECT_DOUBLE_EQ(stats.workers(0).work().busy_ratio(), 0.5);
  EXPECT_EQ(stats.workers(0).work().batches(0), "batches/9");
  EXPECT_EQ(stats.workers(0).work().running_run_count(), 2);
  EXPECT_DOUBLE_EQ(stats.workers(1).work().busy_ratio(), 0.8);
  ASSERT_EQ(stats.devices_size(), 2);
  const pb::DeviceStats& cards = stats.devices(1);
  EXPECT_EQ(cards.name(), "cuda:0");
  EXPECT_EQ(cards.identity(), "cuda: a card");
  EXPECT_EQ(cards.workers_size(), 2);
  EXPECT_DOUBLE_EQ(cards.work().busy_ratio(), 70.0 / 125);
  EXPECT_EQ(cards.work().batch_count(), 4);
  EXPECT_DOUBLE_EQ(cards.work().batch_size_average(), 3);
  EXPECT_EQ(cards.work().running_run_count(), 2);
  EXPECT_EQ(stats.devices(0).work().busy_ratio(), 0);
}

}  // namespace
}  // namespace sheaf::server
