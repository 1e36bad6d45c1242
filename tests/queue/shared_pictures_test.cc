// Runs that ask for the very same picture: one run makes it, the others get it
// too, and none of them is lost whatever happens to that run.
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SharedPicturesTest : public UseCaseTest {
 protected:
  SharedPicturesTest() { Upload(kPicture); }
  void TurnOn() { Configure({.twins = true}); }
  static NewJob Of(int count, int64_t seed = 7) {
    NewJob job;
    job.shared.prompt = "a hut";
    job.shared.seed = seed;
    job.runs.resize(count);
    return job;
  }
  static Succeeded Made() {
    return {{{.artifact = kPicture, .name = "0.png"}}};
  }
  static constexpr char kPicture[] =
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
};
SHEAF_FOR_ALL_STORES(SharedPicturesTest);

TEST_P(SharedPicturesTest, UnlessItIsAskedForEveryRunIsMade) {
  Submit(Of(3));
  EXPECT_THAT(Lease().runs, SizeIs(3));
}

TEST_P(SharedPicturesTest, OneIsMadeAndAllHaveIt) {
  TurnOn();
  const Job job = Submit(Of(3));
  const Leased leased = Lease();
  EXPECT_THAT(leased.runs, SizeIs(1));
  EXPECT_THAT(leased.batch.runs, SizeIs(3));
  EXPECT_EQ(GetJob(job).counts.running, 3);
  ASSERT_TRUE(Finish(MakeReport(leased, Made())).ok());
  EXPECT_EQ(GetJob(job).counts.succeeded, 3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(GetRun(job, i).outputs, SizeIs(1));
    EXPECT_EQ(GetRun(job, i).outputs[0].artifact, kPicture);
  }
  EXPECT_FALSE(
      Read([&](View& view) { return view.FindBatch(leased.batch.id); }));
}

TEST_P(SharedPicturesTest, OtherJobsOfTheOwnerShareTooOtherOwnersDoNot) {
  TurnOn();
  const Job first = Submit(Of(1));
  const Job same = Submit(Of(1));
  const Job seeded = Submit(Of(1, 8));
  NewJob foreign = Of(1);
  foreign.owner = "bob";
  const Job other = Submit(foreign);
  const Leased leased = Lease();
  EXPECT_THAT(leased.batch.runs,
              ElementsAre(RunId(first.id, 0), RunId(same.id, 0)));
  EXPECT_EQ(GetRun(seeded).state, RunState::kQueued);
  EXPECT_EQ(GetRun(other).state, RunState::kQueued);
}

TEST_P(SharedPicturesTest, WhenItFailsTheOthersGoBackInLine) {
  TurnOn();
  const Job job = Submit(Of(2));
  const Leased leased = Lease();
  ASSERT_TRUE(
      Finish(MakeReport(leased, RunError{ErrorClass::kBadInput, "no"})).ok());
  EXPECT_EQ(GetRun(job, 0).state, RunState::kFailed);
  EXPECT_EQ(GetRun(job, 1).state, RunState::kQueued);
  EXPECT_EQ(GetRun(job, 1).failures, 0);
  EXPECT_THAT(Lease().runs, SizeIs(1));
}

TEST_P(SharedPicturesTest, ACancelledTwinIsNotMadeToSucceed) {
  TurnOn();
  const Job job = Submit(Of(1)), twin = Submit(Of(1));
  const Leased leased = Lease();
  Write([&](Tx& tx) {
    return CancelJob(tx, twin.id, {}).status();
  }).IgnoreError();
  const HeartbeatReply orders = Write(
      [&](Tx& tx) { return Heartbeat(tx, ClaimOf(leased.batch), kLease); });
  EXPECT_THAT(orders.cancel, IsEmpty());
  ASSERT_TRUE(Finish(MakeReport(leased, Made())).ok());
  EXPECT_EQ(GetRun(job).state, RunState::kSucceeded);
  EXPECT_EQ(GetRun(twin).state, RunState::kCancelled);
}

// The lease's own worker may report a run and its twin in any order, or the
// twin alone. A twin moved by its own report and by its run's would be counted
// down twice.
TEST_P(SharedPicturesTest, ATwinIsNotReportedByItself) {
  TurnOn();
  const Job job = Submit(Of(2)), other = Submit(Of(1, 8));
  const Leased leased = Lease();
  ASSERT_THAT(leased.batch.twins, SizeIs(1));
  const RunOutcome made{RunId(job.id, 0), 1, Made()};
  const RunOutcome twin{RunId(job.id, 1), 1, Made()};
  for (const auto& outcomes : std::vector<std::vector<RunOutcome>>{
           {made, twin}, {twin, made}, {twin}, {made, twin, twin}}) {
    FinishReport report = MakeReport(leased, Made());
    report.outcomes = outcomes;
    EXPECT_FALSE(Finish(report).ok());
    EXPECT_EQ(GetJob(job).counts, RunCounts{.running = 2});
    EXPECT_EQ(GetQueue().running, 2);
  }
  ASSERT_TRUE(Finish(MakeReport(leased, Made())).ok());
  EXPECT_EQ(GetJob(job).counts, RunCounts{.succeeded = 2});
  EXPECT_EQ(GetQueue().running, 0);
  EXPECT_EQ(Lease().runs.at(0).run.id.job(), other.id);
}

TEST_P(SharedPicturesTest, WhenTheWorkerDiesAllAreTriedAgain) {
  TurnOn();
  const Job job = Submit(Of(3));
  Lease();
  clock_.Advance(2 * kLease);
  Write([](Tx& tx) { ExpireLeases(tx); });
  EXPECT_EQ(GetJob(job).counts.queued, 3);
}

}  // namespace
}  // namespace sheaf
