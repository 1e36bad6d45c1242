#include "inference/worker/session/heartbeat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/inference/worker/batches.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Time kStart = absl::UnixEpoch();

absl::Time At(int seconds) { return kStart + absl::Seconds(seconds); }

Terms TestTerms() {
  return {.worker = "workers/1",
          .lease_duration = absl::Seconds(10),
          .heartbeat_interval = absl::Seconds(3)};
}

// A heartbeat of a lease of `rows` runs, which begins at kStart.
Heartbeat Begun(std::size_t rows = 2) {
  Heartbeat heartbeat(/*preview_pause=*/absl::Seconds(1));
  heartbeat.Begin(MakeBatch(1, std::vector<RunArgs>(rows)), TestTerms(),
                  kStart);
  return heartbeat;
}

RowPreview Preview(int row, int step, absl::StatusOr<std::string> picture) {
  return {row, step, [picture] { return picture; }};
}

v1::ReportProgressRequest Report(Heartbeat& heartbeat, absl::Time now,
                                 std::size_t rows = 2) {
  return DrawPreviews(heartbeat.Take(std::vector<bool>(rows, false), now));
}

TEST(HeartbeatTest, AReportIsDueAnIntervalAfterTheLastOne) {
  Heartbeat heartbeat = Begun();
  EXPECT_EQ(heartbeat.report_time(), At(3));
  heartbeat.Take({false, false}, At(4));
  EXPECT_EQ(heartbeat.report_time(), At(7));
}

TEST(HeartbeatTest, AReportShowsTheClaimAndTellsTheStepsOfOpenRows) {
  Heartbeat heartbeat = Begun(3);
  heartbeat.Stepped({{1, 9}, {2, 9}, {3, 9}});
  const v1::ReportProgressRequest request =
      heartbeat.Take({false, true, false}, At(3)).request;
  EXPECT_EQ(request.worker(), "workers/1");
  EXPECT_EQ(request.batch(), "batches/1");
  EXPECT_EQ(request.epoch(), 1);
  EXPECT_EQ(request.secret(), "secret of batches/1");
  ASSERT_THAT(request.steps(), SizeIs(2));
  EXPECT_EQ(request.steps(0).run(), "jobs/1/runs/0");
  EXPECT_EQ(request.steps(0).step(), 1);
  EXPECT_EQ(request.steps(1).run(), "jobs/1/runs/2");
  EXPECT_EQ(request.steps(1).step(), 3);
  EXPECT_EQ(request.steps(1).step_count(), 9);
}

TEST(HeartbeatTest, ALeaseExpiresUnlessAnAnswerRenewsIt) {
  Heartbeat heartbeat = Begun();
  EXPECT_FALSE(heartbeat.HasExpired(At(9)));
  EXPECT_TRUE(heartbeat.HasExpired(At(10)));
  heartbeat.Answered({}, At(6));
  EXPECT_FALSE(heartbeat.HasExpired(At(15)));
  EXPECT_TRUE(heartbeat.HasExpired(At(16)));
}

TEST(HeartbeatTest, AReportThatFailsIsTriedAgainSoonAndLaterEachTime) {
  Heartbeat heartbeat = Begun();
  absl::Duration longest = absl::Milliseconds(100);
  for (int tries = 0; tries < 5; ++tries, longest *= 2) {
    heartbeat.Take({false, false}, At(3));
    heartbeat.Failed(At(3));
    EXPECT_GE(heartbeat.report_time(), At(3) + longest / 2);
    EXPECT_LE(heartbeat.report_time(), At(3) + longest);
  }
  heartbeat.Answered({}, At(4));
  heartbeat.Take({false, false}, At(5));
  heartbeat.Failed(At(5));
  EXPECT_LE(heartbeat.report_time(), At(5) + absl::Milliseconds(100));
}

TEST(HeartbeatTest, ATryThatIsDueSoonerIsNotPutOff) {
  Heartbeat heartbeat = Begun();
  heartbeat.Take({false, false}, At(3));
  heartbeat.ReportAt(At(3));
  heartbeat.Failed(At(3));
  EXPECT_EQ(heartbeat.report_time(), At(3));
}

TEST(HeartbeatTest, PreviewsBringTheNextReportForwardButKeepThePause) {
  Heartbeat heartbeat = Begun();
  EXPECT_TRUE(heartbeat.TakePreviews({Preview(0, 1, "a")}));
  EXPECT_EQ(heartbeat.report_time(), At(1));
  EXPECT_FALSE(heartbeat.TakePreviews({Preview(0, 2, "b")}));
  Report(heartbeat, At(1));
  EXPECT_EQ(heartbeat.report_time(), At(4));
  EXPECT_TRUE(heartbeat.TakePreviews({Preview(0, 3, "c")}));
  EXPECT_EQ(heartbeat.report_time(), At(2));
}

TEST(HeartbeatTest, APreviewReplacesTheEarlierOneAndIsToldWithItsStep) {
  Heartbeat heartbeat = Begun();
  heartbeat.TakePreviews({Preview(1, 1, "old")});
  heartbeat.TakePreviews({Preview(1, 2, "new")});
  heartbeat.Stepped({{4, 9}, {4, 9}});
  const v1::ReportProgressRequest request = Report(heartbeat, At(3));
  EXPECT_EQ(request.steps(0).step(), 4);
  EXPECT_EQ(request.steps(0).preview(), "");
  EXPECT_EQ(request.steps(1).step(), 2);
  EXPECT_EQ(request.steps(1).preview(), "new");
  EXPECT_EQ(Report(heartbeat, At(6)).steps(1).preview(), "");
}

TEST(HeartbeatTest, PicturesThatFailOrAreTooLargeAreLeftOut) {
  Heartbeat heartbeat = Begun(3);
  heartbeat.Stepped({{4, 9}, {4, 9}, {4, 9}});
  heartbeat.TakePreviews({Preview(0, 1, absl::InternalError("no ink")),
                          Preview(1, 1, std::string((256 << 10) + 1, 'x')),
                          Preview(2, 1, std::string(256 << 10, 'x'))});
  const v1::ReportProgressRequest request = Report(heartbeat, At(3), 3);
  EXPECT_EQ(request.steps(0).preview(), "");
  EXPECT_EQ(request.steps(0).step(), 4);
  EXPECT_EQ(request.steps(1).preview(), "");
  EXPECT_EQ(request.steps(2).preview().size(), 256u << 10);
}

TEST(HeartbeatTest, MorePreviewsThanAReportHoldsTakeTurns) {
  Heartbeat heartbeat = Begun(20);
  std::set<std::string> shown;
  for (const int seconds : {3, 6}) {
    std::vector<RowPreview> previews;
    for (int row = 0; row < 20; ++row) {
      previews.push_back(Preview(row, 1, std::to_string(row)));
    }
    heartbeat.TakePreviews(std::move(previews));
    const ProgressReport report =
        heartbeat.Take(std::vector<bool>(20, false), At(seconds));
    EXPECT_THAT(report.previews, SizeIs(12));
    const v1::ReportProgressRequest request = DrawPreviews(report);
    for (const v1::RunStep& step : request.steps()) {
      if (!step.preview().empty()) shown.insert(step.preview());
    }
  }
  EXPECT_THAT(shown, SizeIs(20));
}

TEST(HeartbeatTest, RepliesAreJoinedAndTakenOnce) {
  Heartbeat heartbeat = Begun();
  v1::ReportProgressResponse answer;
  EXPECT_FALSE(heartbeat.Answered(answer, At(1)));
  answer.add_cancel_runs("a");
  EXPECT_TRUE(heartbeat.Answered(answer, At(2)));
  answer.add_release_runs("b");
  EXPECT_TRUE(heartbeat.Answered(answer, At(3)));
  const HeartbeatReply reply = heartbeat.TakeReply();
  EXPECT_THAT(reply.cancel_runs, ElementsAre("a", "a"));
  EXPECT_THAT(reply.release_runs, ElementsAre("b"));
  EXPECT_THAT(heartbeat.TakeReply().cancel_runs, IsEmpty());
}

TEST(HeartbeatTest, AnAnswerAboutALostLeaseNamesNoRuns) {
  Heartbeat heartbeat = Begun();
  v1::ReportProgressResponse answer;
  answer.set_lease_lost(true);
  answer.add_cancel_runs("a");
  EXPECT_FALSE(heartbeat.Answered(answer, At(1)));
  EXPECT_THAT(heartbeat.TakeReply().cancel_runs, IsEmpty());
}

TEST(HeartbeatTest, TheNextLeaseKnowsNothingOfTheLast) {
  Heartbeat heartbeat = Begun();
  v1::ReportProgressResponse answer;
  answer.add_cancel_runs("a");
  heartbeat.Answered(answer, At(1));
  heartbeat.Stepped({{4, 9}, {4, 9}});
  heartbeat.TakePreviews({Preview(0, 1, "a")});
  heartbeat.Begin(MakeBatch(1, {{}}), TestTerms(), At(5));
  EXPECT_EQ(heartbeat.report_time(), At(8));
  EXPECT_FALSE(heartbeat.HasExpired(At(14)));
  EXPECT_THAT(heartbeat.TakeReply().cancel_runs, IsEmpty());
  const v1::ReportProgressRequest request = Report(heartbeat, At(8), 1);
  ASSERT_THAT(request.steps(), SizeIs(1));
  EXPECT_EQ(request.steps(0).step(), 0);
  EXPECT_EQ(request.steps(0).preview(), "");
}

}  // namespace
}  // namespace sheaf::worker
