#include "server/use_cases/job_reader.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "tests/queue/builders.h"
#include "tests/queue/memory_store.h"
#include "tests/queue/stores.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class JobReaderTest : public ::testing::Test {
 protected:
  JobReaderTest() {
    Write(store_, [](Tx& tx) {
      EnsureDefaultQueue(tx);
      return true;
    });
  }

  Job SubmitJob(int runs) {
    NewJob job;
    job.shared.model = "sd15";
    job.runs = Runs(runs);
    return Write(store_, [&](Tx& tx) { return Submit(tx, MakeJob(job)); })
        .value()
        .job;
  }
  void LeaseOne() {
    Write(store_, [](Tx& tx) {
      return Lease(tx, MakeWorker({.batch_size_max = 1}), kLease)
          .leased.has_value();
    });
  }
  JobReader Reader(int64_t page_bytes_max = 1 << 20) {
    return JobReader({.progress = &progress_,
                      .previews = &previews_,
                      .throughput = &throughput_,
                      .now = [this] { return clock_.now(); },
                      .page_bytes_max = page_bytes_max});
  }
  JobDetails ReadJob(const Job& job, bool full) {
    return Read(
               store_,
               [&](View& view) { return Reader().ReadJob(view, job.id, full); })
        .value();
  }
  absl::StatusOr<RunDetails> ReadRun(RunId id) {
    return Read(store_, [&](View& view) { return Reader().ReadRun(view, id); });
  }
  RunPage ListRuns(const Job& job, int limit,
                   int64_t page_bytes_max = 1 << 20) {
    return Read(store_,
                [&](View& view) {
                  return Reader(page_bytes_max)
                      .ListRuns(view, job.id,
                                {.first = RunId(job.id, 0),
                                 .last = RunId(job.id, kRunsPerJobMax),
                                 .limit = limit});
                })
        .value();
  }
  absl::Status PreviewError(RunId id) {
    return Read(store_,
                [&](View& view) { return Reader().ReadPreview(view, id); })
        .status();
  }

  TestClock clock_;
  MemoryStore store_{&clock_};
  ProgressBoard progress_;
  PreviewBoard previews_;
  QueueThroughput throughput_;
};

TEST_F(JobReaderTest, OnlyAFullJobHasItsRuns) {
  const Job job = SubmitJob(3);
  EXPECT_THAT(ReadJob(job, false).runs, SizeIs(0));
  const JobDetails full = ReadJob(job, true);
  ASSERT_THAT(full.runs, SizeIs(3));
  EXPECT_EQ(full.shared.model, "sd15");
  EXPECT_EQ(full.runs[2].params.model, "sd15");
  EXPECT_EQ(full.runs[2].params.prompt, "hut number 2");
}

TEST_F(JobReaderTest, AFullJobHasItsFirstHundredRuns) {
  EXPECT_THAT(ReadJob(SubmitJob(101), true).runs, SizeIs(100));
}

TEST_F(JobReaderTest, TheEtaComesFromTheThroughputOfTheQueue) {
  SubmitJob(4);
  const Job job = SubmitJob(2);
  EXPECT_EQ(ReadJob(job, false).position, 4);
  EXPECT_EQ(ReadJob(job, false).eta, std::nullopt);
  const Committed ends{.events = {{.type = EventType::kRunsChanged,
                                   .queue = "default",
                                   .batch = BatchId{1},
                                   .runs = {{.run = RunId(job.id, 0),
                                             .state = RunState::kSucceeded}}}}};
  throughput_.NoteCommit(ends, clock_.now());
  clock_.Advance(absl::Seconds(10));
  throughput_.NoteCommit(ends, clock_.now());
  const JobDetails details = ReadJob(job, false);
  ASSERT_TRUE(details.per_run && details.eta);
  EXPECT_EQ(*details.eta, clock_.now() + 6 * *details.per_run);
}

TEST_F(JobReaderTest, ARunThatRunsHasItsProgressAndTheStepOfItsPreview) {
  const Job job = SubmitJob(2);
  LeaseOne();
  const RunId first(job.id, 0);
  EXPECT_EQ(ReadRun(first)->progress, std::nullopt);
  progress_.Note(first, BatchId{1}, 7, 20, clock_.now());
  previews_.Keep(first, 5, "png", clock_.now());
  const auto run = ReadRun(first);
  ASSERT_TRUE(run.ok() && run->progress);
  EXPECT_EQ(run->progress->step, 7);
  EXPECT_EQ(run->progress->preview_step, 5);
  // Left over from an attempt before: the run waits.
  progress_.Note(RunId(job.id, 1), BatchId{1}, 3, 20, clock_.now());
  EXPECT_EQ(ReadRun(RunId(job.id, 1))->progress, std::nullopt);
}

TEST_F(JobReaderTest, APageGoesOnAfterItsLastRun) {
  const Job job = SubmitJob(5);
  const RunPage page = ListRuns(job, 2);
  ASSERT_THAT(page.runs, SizeIs(2));
  EXPECT_EQ(page.next, RunId(job.id, 1));
  EXPECT_EQ(ListRuns(job, 50).next, std::nullopt);
}

TEST_F(JobReaderTest, APageEndsAtItsBytesButHasOneRun) {
  const Job job = SubmitJob(3);
  const RunPage page = ListRuns(job, 50, /*page_bytes_max=*/1);
  ASSERT_THAT(page.runs, SizeIs(1));
  EXPECT_EQ(page.next, RunId(job.id, 0));
}

TEST_F(JobReaderTest, WithoutAPreviewItSaysWhy) {
  const Job job = SubmitJob(1);
  const RunId run(job.id, 0);
  EXPECT_EQ(ReasonOf(PreviewError(run)), Reason::kPreviewNotFound);
  EXPECT_THAT(std::string(PreviewError(run).message()),
              HasSubstr("jobs/1/runs/0 is not running yet"));
  LeaseOne();
  EXPECT_THAT(std::string(PreviewError(run).message()),
              HasSubstr("has no preview yet"));
  previews_.Keep(run, 5, "png", clock_.now());
  EXPECT_TRUE(PreviewError(run).ok());
  EXPECT_EQ(ReasonOf(PreviewError(RunId(job.id, 9))), Reason::kRunNotFound);
}

}  // namespace
}  // namespace sheaf::server
