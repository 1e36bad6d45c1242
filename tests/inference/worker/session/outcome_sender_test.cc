#include "inference/worker/session/outcome_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/inference/worker/batches.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kNow = absl::UnixEpoch();
constexpr absl::Time kNever = absl::InfiniteFuture();

OutcomeSender Begun(std::size_t rows = 2) {
  OutcomeSender sender;
  sender.Begin(MakeBatch(1, std::vector<RunArgs>(rows)), "workers/1");
  return sender;
}

v1::RunOutcome Outcome(const std::string& run) {
  v1::RunOutcome outcome;
  outcome.set_run(run);
  outcome.mutable_success();
  return outcome;
}

v1::FinishRunsRequest Take(OutcomeSender& sender) {
  return sender.Take(absl::Milliseconds(1500));
}

std::vector<std::string> RunsIn(const v1::FinishRunsRequest& request) {
  std::vector<std::string> runs;
  for (const v1::RunOutcome& outcome : request.outcomes()) {
    runs.push_back(outcome.run());
  }
  return runs;
}

TEST(OutcomeSenderTest, AnOutcomeIsDueAtOnceWhileOthersAreMade) {
  OutcomeSender sender = Begun();
  EXPECT_EQ(sender.send_time(), kNever);
  EXPECT_TRUE(sender.Add(0, Outcome("a"), kNow));
  EXPECT_EQ(sender.send_time(), kNow);
  // The call that is due takes this one along.
  EXPECT_FALSE(sender.Add(1, Outcome("b"), kNow + absl::Seconds(1)));
  EXPECT_EQ(sender.send_time(), kNow);
  EXPECT_THAT(RunsIn(Take(sender)), ElementsAre("a", "b"));
}

TEST(OutcomeSenderTest, ACallShowsTheClaimMemoryAndTime) {
  OutcomeSender sender = Begun();
  v1::BatchMemory memory;
  memory.set_row_count(2);
  sender.SetMemory(memory);
  sender.Add(0, Outcome("a"), kNow);
  const v1::FinishRunsRequest request = Take(sender);
  EXPECT_EQ(request.worker(), "workers/1");
  EXPECT_EQ(request.batch(), "batches/1");
  EXPECT_EQ(request.epoch(), 1);
  EXPECT_EQ(request.secret(), "secret of batches/1");
  EXPECT_EQ(request.memory().row_count(), 2);
  EXPECT_EQ(request.engine_time().seconds(), 1);
  EXPECT_EQ(request.engine_time().nanos(), 500'000'000);
}

TEST(OutcomeSenderTest, AnEngineThatCannotTellItsMemoryTellsNone) {
  OutcomeSender sender = Begun();
  sender.Add(0, Outcome("a"), kNow);
  EXPECT_FALSE(Take(sender).has_memory());
}

TEST(OutcomeSenderTest, HeldOutcomesWaitUntilTheyAreAllWanted) {
  OutcomeSender sender = Begun();
  sender.Hold();
  EXPECT_FALSE(sender.Add(0, Outcome("a"), kNow));
  EXPECT_EQ(sender.send_time(), kNever);
  EXPECT_FALSE(sender.HasSentAll());
  EXPECT_TRUE(sender.SendAtOnce(kNow));
  EXPECT_EQ(sender.send_time(), kNow);
  Take(sender);
  sender.Sent();
  EXPECT_TRUE(sender.Add(1, Outcome("b"), kNow));
}

TEST(OutcomeSenderTest, NothingIsDueWhereNothingWaits) {
  OutcomeSender sender = Begun();
  EXPECT_FALSE(sender.SendAtOnce(kNow));
  EXPECT_EQ(sender.send_time(), kNever);
}

TEST(OutcomeSenderTest, AnOutcomeIsKeptUntilTheServerHasIt) {
  OutcomeSender sender = Begun();
  sender.Add(0, Outcome("a"), kNow);
  absl::Duration longest = absl::Milliseconds(100);
  for (int tries = 0; tries < 4; ++tries, longest *= 2) {
    v1::FinishRunsRequest request = Take(sender);
    EXPECT_FALSE(sender.HasSentAll());
    EXPECT_THAT(RunsIn(request), ElementsAre("a"));
    sender.Failed(std::move(request), kNow);
    EXPECT_GE(sender.send_time(), kNow + longest / 2);
    EXPECT_LE(sender.send_time(), kNow + longest);
    EXPECT_EQ(sender.retry_time(), sender.send_time());
  }
  Take(sender);
  sender.Sent();
  EXPECT_TRUE(sender.HasSentAll());
  EXPECT_THAT(RunsIn(Take(sender)), IsEmpty());
}

TEST(OutcomeSenderTest, OutcomesThatFailedGoBeforeLaterOnes) {
  OutcomeSender sender = Begun();
  sender.Add(0, Outcome("a"), kNow);
  v1::FinishRunsRequest request = Take(sender);
  sender.Add(1, Outcome("b"), kNow);
  // One call at a time.
  EXPECT_EQ(sender.send_time(), kNever);
  sender.Failed(std::move(request), kNow);
  EXPECT_GT(sender.send_time(), kNow);
  EXPECT_THAT(RunsIn(Take(sender)), ElementsAre("a", "b"));
}

TEST(OutcomeSenderTest, AnOutcomeThatComesDuringACallIsDueWhenTheCallEnds) {
  OutcomeSender sender = Begun();
  sender.Add(0, Outcome("a"), kNow);
  Take(sender);
  sender.Add(1, Outcome("b"), kNow);
  sender.Sent();
  EXPECT_EQ(sender.send_time(), kNow);
  EXPECT_FALSE(sender.HasSentAll());
}

TEST(OutcomeSenderTest, ALeaseIsOverWhenTheServerHasAnOutcomeForEachRun) {
  OutcomeSender sender = Begun();
  EXPECT_EQ(sender.FirstOpenRow(), 0);
  sender.Add(0, Outcome("a"), kNow);
  EXPECT_EQ(sender.FirstOpenRow(), 1);
  Take(sender);
  sender.Sent();
  EXPECT_TRUE(sender.HasSentAll());
  EXPECT_FALSE(sender.IsOver());
  sender.Add(1, Outcome("b"), kNow);
  EXPECT_EQ(sender.FirstOpenRow(), std::nullopt);
  EXPECT_FALSE(sender.IsOver());
  Take(sender);
  EXPECT_FALSE(sender.IsOver());
  sender.Sent();
  EXPECT_TRUE(sender.IsOver());
}

TEST(OutcomeSenderTest, TheNextLeaseWaitsForTheLastOnesCallAndTakesNoneOfIt) {
  OutcomeSender sender = Begun();
  sender.Add(0, Outcome("a"), kNow);
  Take(sender);
  sender.Add(1, Outcome("b"), kNow);
  sender.End();
  sender.Begin(MakeBatch(2, {{}}), "workers/1");
  sender.Add(0, Outcome("c"), kNow);
  EXPECT_TRUE(sender.is_sending());
  EXPECT_EQ(sender.send_time(), kNever);
  sender.Dropped();
  EXPECT_EQ(sender.send_time(), kNow);
  const v1::FinishRunsRequest request = Take(sender);
  EXPECT_EQ(request.batch(), "batches/2");
  EXPECT_THAT(RunsIn(request), ElementsAre("c"));
}

}  // namespace
}  // namespace sheaf::worker
