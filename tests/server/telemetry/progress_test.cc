#include "server/telemetry/progress.h"

#include <vector>

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);
const RunId kRun{JobId{1}, 0};
constexpr BatchId kBatch{7};

// An event of the batch about so many runs in these states.
Committed Commit(EventType type, const std::vector<RunState>& states) {
  Event event{.type = type, .batch = kBatch};
  for (const RunState state : states) {
    const RunId run(JobId{2}, static_cast<int>(event.runs.size()));
    event.runs.push_back({.run = run, .state = state});
  }
  return {.events = {event}};
}

TEST(ProgressBoardTest, ARunIsDoneWhenItsStepsAreAtTheirPaceSoFar) {
  ProgressBoard board;
  board.Note(kRun, kBatch, 1, 11, kNow);
  EXPECT_EQ(board.Find(kRun)->Eta(), absl::InfiniteFuture())
      << "one report shows no pace";
  board.Note(kRun, kBatch, 6, 11, kNow + absl::Seconds(10));
  EXPECT_EQ(board.Find(kRun)->Eta(), kNow + absl::Seconds(20));
  board.Note(kRun, kBatch, 11, 11, kNow + absl::Seconds(30));
  EXPECT_EQ(board.Find(kRun)->Eta(), kNow + absl::Seconds(30));
}

TEST(ProgressBoardTest, AStepBackIsAnotherAttempt) {
  ProgressBoard board;
  board.Note(kRun, kBatch, 8, 10, kNow);
  const StepProgress again =
      board.Note(kRun, kBatch, 2, 10, kNow + absl::Seconds(100));
  EXPECT_EQ(again.begin_step, 2);
  EXPECT_EQ(again.begin_time, kNow + absl::Seconds(100));
}

TEST(ProgressBoardTest, StepsBeyondTheCountTellNoEnd) {
  ProgressBoard board;
  board.Note(kRun, kBatch, 1, 5, kNow);
  EXPECT_EQ(board.Note(kRun, kBatch, 9, 5, kNow + absl::Seconds(1)).Eta(),
            absl::InfiniteFuture());
}

TEST(ProgressBoardTest, ARunThatACommitStartsOrEndsIsForgotten) {
  ProgressBoard board;
  EXPECT_FALSE(board.Find(kRun).has_value());
  board.Note(kRun, kBatch, 1, 5, kNow);
  board.Note(RunId(JobId{2}, 0), kBatch, 1, 5, kNow);
  Committed committed;
  committed.events.push_back({.type = EventType::kRunsChanged,
                              .runs = {{kRun, RunState::kQueued, 1}}});
  board.NoteCommit(committed);
  EXPECT_FALSE(board.Find(kRun).has_value());
  EXPECT_TRUE(board.Find(RunId(JobId{2}, 0)).has_value());
}

TEST(ProgressBoardTest, ARunKnowsHowItsBatchFares) {
  ProgressBoard board;
  board.NoteCommit(Commit(EventType::kRunsStarted,
                          std::vector<RunState>(5, RunState::kRunning)));
  board.NoteMemory(kBatch, 3000);
  EXPECT_EQ(board.Note(kRun, kBatch, 1, 5, kNow).batch,
            (BatchProgress{.id = kBatch, .running = 5, .memory_bytes = 3000}));
  board.NoteMemory(kBatch, 2000);
  Committed ends =
      Commit(EventType::kRunsChanged,
             {RunState::kSucceeded, RunState::kFailed, RunState::kQueued});
  ends.events[0].runs[1].error_class = ErrorClass::kBadInput;
  ends.events[0].runs[2].error_class = ErrorClass::kEngine;  // tried again
  board.NoteCommit(ends);
  EXPECT_EQ(board.Find(kRun)->batch, (BatchProgress{.id = kBatch,
                                                    .running = 2,
                                                    .succeeded = 1,
                                                    .failed = 2,
                                                    .memory_bytes = 3000}));
}

TEST(ProgressBoardTest, ARunThatIsHandedBackHasNotFailed) {
  ProgressBoard board;
  board.NoteCommit(Commit(EventType::kRunsStarted,
                          {RunState::kRunning, RunState::kRunning}));
  board.NoteCommit(Commit(EventType::kRunsChanged, {RunState::kQueued}));
  EXPECT_EQ(board.Note(kRun, kBatch, 1, 5, kNow).batch,
            (BatchProgress{.id = kBatch, .running = 1}));
}

TEST(ProgressBoardTest, ABatchFromBeforeARestartIsKnownFromThenOn) {
  ProgressBoard board;
  Batch batch;
  batch.id = kBatch;
  batch.runs = {kRun, RunId(JobId{1}, 1)};
  board.Start({batch});
  board.NoteCommit(Commit(EventType::kRunsChanged, {RunState::kSucceeded}));
  EXPECT_EQ(board.Note(kRun, kBatch, 1, 5, kNow).batch,
            (BatchProgress{.id = kBatch, .running = 1, .succeeded = 1}));
}

TEST(ProgressBoardTest, ABatchWhoseRunsHaveEndedIsForgotten) {
  ProgressBoard board;
  board.NoteCommit(Commit(EventType::kRunsStarted, {RunState::kRunning}));
  board.NoteMemory(kBatch, 3000);
  board.NoteCommit(Commit(EventType::kRunsChanged, {RunState::kSucceeded}));
  board.NoteMemory(kBatch, 3000);
  EXPECT_EQ(board.Note(kRun, kBatch, 1, 5, kNow).batch,
            (BatchProgress{.id = kBatch}));
}

}  // namespace
}  // namespace sheaf::server
