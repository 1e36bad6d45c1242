#include "server/telemetry/progress.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);
const RunId kRun{JobId{1}, 0};

TEST(ProgressBoardTest, ARunIsDoneWhenItsStepsAreAtTheirPaceSoFar) {
  ProgressBoard board;
  board.Note(kRun, 1, 11, kNow);
  EXPECT_EQ(board.Find(kRun)->Eta(), absl::InfiniteFuture())
      << "one report shows no pace";
  board.Note(kRun, 6, 11, kNow + absl::Seconds(10));
  EXPECT_EQ(board.Find(kRun)->Eta(), kNow + absl::Seconds(20));
  board.Note(kRun, 11, 11, kNow + absl::Seconds(30));
  EXPECT_EQ(board.Find(kRun)->Eta(), kNow + absl::Seconds(30));
}

TEST(ProgressBoardTest, AStepBackIsAnotherAttempt) {
  ProgressBoard board;
  board.Note(kRun, 8, 10, kNow);
  const StepProgress again = board.Note(kRun, 2, 10, kNow + absl::Seconds(100));
  EXPECT_EQ(again.begin_step, 2);
  EXPECT_EQ(again.begin_time, kNow + absl::Seconds(100));
}

TEST(ProgressBoardTest, StepsBeyondTheCountTellNoEnd) {
  ProgressBoard board;
  board.Note(kRun, 1, 5, kNow);
  EXPECT_EQ(board.Note(kRun, 9, 5, kNow + absl::Seconds(1)).Eta(),
            absl::InfiniteFuture());
}

TEST(ProgressBoardTest, ARunThatACommitStartsOrEndsIsForgotten) {
  ProgressBoard board;
  EXPECT_FALSE(board.Find(kRun).has_value());
  board.Note(kRun, 1, 5, kNow);
  board.Note(RunId(JobId{2}, 0), 1, 5, kNow);
  Committed committed;
  committed.events.push_back({.type = EventType::kRunsChanged,
                              .runs = {{kRun, RunState::kQueued, 1}}});
  board.NoteCommit(committed);
  EXPECT_FALSE(board.Find(kRun).has_value());
  EXPECT_TRUE(board.Find(RunId(JobId{2}, 0)).has_value());
}

}  // namespace
}  // namespace sheaf::server
