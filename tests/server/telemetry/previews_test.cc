#include "server/telemetry/previews.h"

#include <gtest/gtest.h>

namespace sheaf::server {
namespace {

const RunId kOne(JobId{1}, 0);
const RunId kTwo(JobId{1}, 1);
const RunId kThree(JobId{2}, 0);
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(PreviewBoardTest, TheNewestOfARunIsKept) {
  PreviewBoard board;
  board.Keep(kOne, 5, "five", kNow);
  board.Keep(kOne, 10, "ten", kNow + absl::Seconds(1));
  const auto found = board.Find(kOne);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->png, "ten");
  EXPECT_EQ(found->step, 10);
  EXPECT_EQ(found->time, kNow + absl::Seconds(1));
  EXPECT_EQ(board.StepOf(kOne), 10);
  EXPECT_EQ(board.bytes(), 3u);
}

TEST(PreviewBoardTest, ThoseOfRunsThatACommitStartsOrEndsAreGone) {
  PreviewBoard board;
  board.Keep(kOne, 5, "five", kNow);
  Committed committed;
  committed.events.push_back(
      {.type = EventType::kRunsStarted,
       .runs = {{kOne, RunState::kRunning, 2}, {kTwo, RunState::kRunning, 1}}});
  board.NoteCommit(committed);
  EXPECT_FALSE(board.Find(kOne));
  EXPECT_EQ(board.StepOf(kOne), 0);
  EXPECT_EQ(board.bytes(), 0u);
}

TEST(PreviewBoardTest, BeyondItsBoundTheOldestGo) {
  PreviewBoard board(10);
  board.Keep(kOne, 1, "1111", kNow);
  board.Keep(kTwo, 1, "2222", kNow);
  board.Keep(kOne, 2, "1111", kNow);  // Now the newest.
  board.Keep(kThree, 1, "3333", kNow);
  EXPECT_TRUE(board.Find(kOne));
  EXPECT_FALSE(board.Find(kTwo));
  EXPECT_TRUE(board.Find(kThree));
  EXPECT_EQ(board.bytes(), 8u);
  board.Keep(kThree, 2, std::string(11, 'x'), kNow);
  EXPECT_FALSE(board.Find(kThree));
  EXPECT_EQ(board.bytes(), 4u);
}

}  // namespace
}  // namespace sheaf::server
