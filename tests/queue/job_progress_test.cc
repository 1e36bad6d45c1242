#include "queue/job_progress.h"

#include "gtest/gtest.h"
#include "queue/rows/broken_row.h"

namespace sheaf {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);
const QueueSettings kKeep{.keep_succeeded = absl::Hours(1),
                          .keep_failed = absl::Hours(2),
                          .keep_cancelled = absl::InfiniteDuration()};

// A job of two runs after `deltas`, a second apart from kNow on.
JobProgress After(std::initializer_list<RunCounts> deltas) {
  JobProgress progress{.counts = {.queued = 2}};
  absl::Time now = kNow;
  for (const RunCounts& delta : deltas) {
    progress = Advance(progress, delta, kKeep, now);
    now += absl::Seconds(1);
  }
  return progress;
}

const RunCounts kOneStarts{.queued = -1, .running = 1};
const RunCounts kOneGoesBack{.queued = 1, .running = -1};
const RunCounts kOneSucceeds{.running = -1, .succeeded = 1};

TEST(JobProgressTest, AJobBeginsWithItsFirstRunningRunAndOnlyOnce) {
  EXPECT_EQ(After({{.queued = -1, .cancelled = 1}}).start_time,
            absl::InfinitePast());
  EXPECT_EQ(After({kOneStarts}).start_time, kNow);
  EXPECT_EQ(After({kOneStarts, kOneGoesBack, kOneStarts}).start_time, kNow);
}

TEST(JobProgressTest, AJobEndsWithItsLastRunAndItsStateSaysHowLongItIsKept) {
  const JobProgress half = After({kOneStarts, kOneSucceeds});
  EXPECT_EQ(half.end_time, absl::InfiniteFuture());
  EXPECT_EQ(half.expire_time, absl::InfiniteFuture());

  const JobProgress done = After({{.queued = -2, .succeeded = 2}});
  EXPECT_EQ(done.end_time, kNow);
  EXPECT_EQ(done.expire_time, kNow + kKeep.keep_succeeded);
  const JobProgress failed =
      After({{.queued = -2, .failed = 1, .cancelled = 1}});
  EXPECT_EQ(failed.expire_time, kNow + kKeep.keep_failed);
  const JobProgress cancelled =
      After({{.queued = -2, .succeeded = 1, .cancelled = 1}});
  EXPECT_EQ(cancelled.end_time, kNow);
  EXPECT_EQ(cancelled.expire_time, absl::InfiniteFuture());
}

TEST(JobProgressTest, AJobThatIsRetriedHasNotEndedAndEndsAgainLater) {
  const RunCounts fails{.queued = -2, .failed = 2};
  const RunCounts retried{.queued = 2, .failed = -2};
  const JobProgress waits = After({fails, retried});
  EXPECT_EQ(waits.end_time, absl::InfiniteFuture());
  EXPECT_EQ(waits.expire_time, absl::InfiniteFuture());
  EXPECT_EQ(After({fails, retried, fails}).end_time, kNow + absl::Seconds(2));
}

TEST(JobProgressTest, AnEndThatWasSaidStays) {
  const JobProgress ended = After({{.queued = -2, .succeeded = 2}, {}});
  EXPECT_EQ(ended.end_time, kNow);
  EXPECT_EQ(ended.expire_time, kNow + kKeep.keep_succeeded);
}

TEST(JobProgressTest, EachChangeIsANewVersion) {
  EXPECT_EQ(After({}).version, 1);
  EXPECT_EQ(After({kOneStarts, kOneSucceeds}).version, 3);
}

TEST(JobProgressTest, NoStateCountsLessThanNothing) {
  for (const RunCounts& delta :
       {RunCounts{.queued = -3, .running = 3}, RunCounts{.running = -1},
        RunCounts{.succeeded = -1}, RunCounts{.failed = -1},
        RunCounts{.cancelled = -1}}) {
    EXPECT_THROW(After({delta}), BrokenRow);
  }
}

}  // namespace
}  // namespace sheaf
